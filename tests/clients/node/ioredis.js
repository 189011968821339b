// ioredis against the server on the port given: node ioredis.js <port>
import assert from "node:assert/strict";
import Redis from "ioredis";

const redis = new Redis({ port: Number(process.argv[2]), maxRetriesPerRequest: 2 });
await redis.flushall();

assert.equal(await redis.set("k", "ä", "PX", 100000), "OK");
assert.equal(await redis.get("k"), "ä");
assert.ok((await redis.pttl("k")) > 0);
assert.deepEqual(await redis.mget("k", "none"), ["ä", null]);
await assert.rejects(redis.incr("k"), /not an integer/);

const pipeline = redis.pipeline();
for (let n = 0; n < 5000; n++) pipeline.incr("n");
const counted = await pipeline.exec();
assert.deepEqual(counted.at(-1), [null, 5000]);

assert.deepEqual(await redis.multi().set("a", 1).incr("a").exec(), [[null, "OK"], [null, 2]]);
await redis.watch("a");
const other = redis.duplicate();
await other.set("a", 9);
assert.equal(await redis.multi().incr("a").exec(), null);

await Promise.all(Array.from({ length: 500 }, (_, n) => redis.set(`it:${n}`, n)));
const found = new Set();
for await (const keys of redis.scanStream({ match: "it:*", count: 50 })) keys.forEach((key) => found.add(key));
assert.equal(found.size, 500);

const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
await redis.set("bytes", bytes);
assert.ok(bytes.equals(await redis.getBuffer("bytes")));
assert.match(await redis.info("server"), /redis_version:/);

const listener = redis.duplicate();
const heard = [];
listener.on("message", (channel, message) => heard.push([channel, message]));
listener.on("pmessage", (pattern, channel, message) => heard.push([pattern, channel, message]));
assert.equal(await listener.subscribe("news", "other"), 2);
assert.equal(await listener.psubscribe("n*"), 3);
assert.equal(await redis.publish("news", "ä"), 2);
assert.equal(await listener.unsubscribe("news", "other"), 1); // what was published before comes before
assert.deepEqual(heard, [["news", "ä"], ["n*", "news", "ä"]]);
listener.disconnect();

const id = await redis.client("ID");
await other.client("KILL", "ID", id);
assert.equal(await redis.get("a"), "9"); // it connects again by itself
redis.disconnect();
other.disconnect();
console.log("ioredis: ok");
