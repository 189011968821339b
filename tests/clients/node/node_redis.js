// node-redis 4, which many programs stay with, against the server on the port given: node node_redis.js <port>
import assert from "node:assert/strict";
import { createClient, WatchError } from "redis-4";

const client = createClient({ socket: { port: Number(process.argv[2]) } });
client.on("error", (error) => console.error(error.message));
await client.connect();
await client.flushAll();

assert.equal(await client.set("k", "v", { EX: 100, NX: true }), "OK");
assert.equal(await client.set("k", "w", { NX: true }), null);
assert.equal(await client.get("k"), "v");
assert.equal(await client.getEx("k", { PERSIST: true }), "v");
assert.equal(await client.ttl("k"), -1);
await assert.rejects(client.incr("k"), /not an integer/);

const counted = await Promise.all(Array.from({ length: 5000 }, () => client.incr("n")));
assert.deepEqual(counted, Array.from({ length: 5000 }, (_, n) => n + 1));

assert.deepEqual(await client.multi().set("a", "1").incr("a").get("a").exec(), ["OK", 2, "2"]);
await client.executeIsolated(async (isolated) => {
  await isolated.watch("a");
  await client.set("a", "9");
  await assert.rejects(isolated.multi().incr("a").exec(), WatchError);
});

await client.mSet(Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`it:${n}`, String(n)])));
const found = new Set();
for await (const key of client.scanIterator({ MATCH: "it:*", COUNT: 50 })) found.add(key);
assert.equal(found.size, 500);
assert.equal((await client.configGet("maxmemory-policy"))["maxmemory-policy"], "noeviction");
assert.equal(await client.dbSize(), 503);
await client.quit();
console.log("node-redis: ok");
