// Finds the primary by its sentinels and writes, a key after the other, across a failover; reads from a replica.
//
//   node ioredis_sentinel.js NAME PORT...     says "writing"; at the end of its input says what it has written as JSON
import Redis from "ioredis";

const [name, ...ports] = process.argv.slice(2);
const sentinels = ports.map((port) => ({ host: "127.0.0.1", port: Number(port) }));
const options = { sentinels, name, maxRetriesPerRequest: 1, sentinelRetryStrategy: () => 100, retryStrategy: () => 100 };
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const writer = new Redis(options);
const reader = new Redis({ ...options, role: "slave" });
for (const client of [writer, reader]) client.on("error", () => {});
let over = false;
process.stdin.on("end", () => { over = true; }).resume();
const written = [];
const servers = [];
for (let i = 0; !over; i++) {
  try {
    await writer.set(`key:${i}`, i);
    written.push(i);
    const port = writer.stream.remotePort;
    if (servers[servers.length - 1] !== port) servers.push(port);
    if (written.length === 1) console.log("writing");
  } catch (error) {
    await pause(20);
  }
}
let role = "unknown";
for (let i = 0; i < 100 && role !== "slave"; i++) {
  try {
    role = (await reader.role())[0];
  } catch (error) {
    await pause(100);
  }
}
console.log(JSON.stringify({ written, servers, role }));
writer.disconnect();
reader.disconnect();
