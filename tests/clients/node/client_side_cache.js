// The cache of node-redis: reads are answered by the client until the server tells that a key has changed.
// node client_side_cache.js <port>
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { BasicClientSideCache, createClient } from "redis";

const WAIT_LIMIT_MS = 30000;
const connection = { RESP: 3, socket: { port: Number(process.argv[2]) } };
const cache = new BasicClientSideCache();
const reader = createClient({ ...connection, clientSideCache: cache });
const writer = createClient(connection);
for (const client of [reader, writer]) {
  client.on("error", (error) => console.error(error.message));
  await client.connect();
}
await writer.flushAll();

async function calls(command) {
  const found = (await writer.info("commandstats")).match(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, "m"));
  return found ? Number(found[1]) : 0;
}

// An invalidation comes when it comes: what is waited for is that it comes at all.
async function until(what, condition) {
  const end = Date.now() + WAIT_LIMIT_MS;
  while (!(await condition())) {
    assert.ok(Date.now() < end, `${what}: the reader was never told`);
    await sleep(1);
  }
}
const reads = (key, value) => until(key, async () => (await reader.get(key)) === value);

// One GET reaches the server, a thousand do not.
await writer.set("k", "1");
assert.equal(await reader.get("k"), "1");
const asked = await calls("get");
for (let n = 0; n < 1000; n++) assert.equal(await reader.get("k"), "1");
assert.equal(await calls("get"), asked);
assert.equal(cache.stats().hitCount, 1000);

// Everything that changes a key is told, by whomever and however it is done.
const changes = [
  ["incr", () => writer.incr("k"), "2"],
  ["own write", () => reader.set("k", "3"), "3"],
  ["transaction", () => writer.multi().set("k", "4").incr("k").exec(), "5"],
  ["script", () => writer.eval("return redis.call('SET', KEYS[1], 6)", { keys: ["k"] }), "6"],
  ["script that hides its key", () => writer.eval("return redis.call('SET', ARGV[1], 7)", { arguments: ["k"] }), "7"],
  ["delete", () => writer.del("k"), null],
  ["copied over", () => writer.copy("other", "k"), "8"],
  ["renamed away", () => writer.rename("k", "elsewhere"), null],
  ["set again", () => writer.set("k", "9"), "9"],
  ["database emptied", () => writer.flushAll(), null],
];
await writer.set("other", "8");
for (const [what, change, expected] of changes) {
  await reader.get("k");
  await reader.get("k");
  await change();
  await until(what, async () => (await reader.get("k")) === expected);
}

// Expiry is told too: nobody touches the key, and the reader asks only itself.
await writer.set("brief", "v", { PX: 60 });
if ((await reader.get("brief")) === "v") await reads("brief", null);

// Other types, and a command with several keys.
await writer.hSet("h", { a: "1" });
await writer.rPush("l", ["x", "y"]);
await writer.zAdd("z", [{ score: 1.5, value: "m" }]);
assert.equal((await reader.hGetAll("h")).a, "1");
assert.deepEqual(await reader.lRange("l", 0, -1), ["x", "y"]);
assert.equal(await reader.zScore("z", "m"), 1.5);
assert.deepEqual(await reader.mGet(["m1", "m2"]), [null, null]);
await writer.hSet("h", "a", "2");
await writer.lPop("l");
await writer.zIncrBy("z", 1, "m");
await writer.set("m2", "v");
await until("h", async () => (await reader.hGetAll("h")).a === "2");
await until("l", async () => (await reader.lLen("l")) === 1 && (await reader.lRange("l", 0, -1))[0] === "y");
await until("z", async () => (await reader.zScore("z", "m")) === 2.5);
await until("m2", async () => (await reader.mGet(["m1", "m2"]))[1] === "v");

// Writes and reads of the same keys at the same time: values never go back, and the last one is seen.
const keys = Array.from({ length: 20 }, (_, n) => `counter:${n}`);
const last = 300;
let writing = true;
async function follow(key) {
  let newest = 0;
  while (writing) {
    const value = Number(await reader.get(key));
    assert.ok(value >= newest, `${key} was ${newest} and then ${value}`);
    newest = value;
    await sleep(0);
  }
}
const followed = Promise.all(keys.map(follow));
for (let n = 1; n <= last; n++) await Promise.all(keys.map((key) => writer.incr(key)));
writing = false;
await followed;
for (const key of keys) await reads(key, String(last));

// A lost connection may have missed invalidations: the cache starts from nothing.
await reader.get("m2");
await writer.set("m2", "w");
const id = await reader.clientId();
const lost = new Promise((resolve) => reader.once("reconnecting", resolve));
await writer.sendCommand(["CLIENT", "KILL", "ID", String(id)]);
await lost;
await writer.set("m2", "x");
await reads("m2", "x");

reader.destroy();
writer.destroy();
console.log("client-side cache: ok");
