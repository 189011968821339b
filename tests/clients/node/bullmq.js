// BullMQ's queues on ioredis: node bullmq.js <port>
// Scripts, blocking pops from sorted sets, streams that are waited on: every job is done once and its result arrives.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { FlowProducer, Queue, QueueEvents, UnrecoverableError, Worker } from "bullmq";
import Redis from "ioredis";

const WAIT_LIMIT_MS = 60000;
const connection = { host: "127.0.0.1", port: Number(process.argv[2]) };
const redis = new Redis(connection);
const opened = [];

function open(Kind, ...settings) {
  const made = new Kind(...settings);
  made.on("error", (error) => assert.fail(error));
  made.setMaxListeners(100); // one for each job that is waited for
  opened.push(made);
  return made;
}

async function until(what, condition) {
  const end = Date.now() + WAIT_LIMIT_MS;
  while (!(await condition())) {
    assert.ok(Date.now() < end, `not within the time limit: ${what}`);
    await sleep(5);
  }
}

const worker = (queue, work, settings = {}) => open(Worker, queue, work, { connection, ...settings });

// Many producers and workers, results through events.
async function everyJobIsDoneOnce() {
  const jobs = 400;
  const queue = open(Queue, "plain", { connection });
  const events = open(QueueEvents, "plain", { connection });
  await events.waitUntilReady();
  const completed = new Map();
  events.on("completed", ({ jobId, returnvalue }) => completed.set(jobId, (completed.get(jobId) ?? []).concat(returnvalue)));
  const done = new Map();
  const work = async (job) => {
    done.set(job.id, (done.get(job.id) ?? 0) + 1);
    await job.updateProgress(50);
    return job.data.n * 2;
  };
  for (let n = 0; n < 4; n++) worker("plain", work, { concurrency: 5 });
  const added = await Promise.all(
    Array.from({ length: 4 }, async (_, producer) => {
      const one = open(Queue, "plain", { connection });
      const single = await Promise.all(Array.from({ length: jobs / 8 }, (_, n) => one.add("single", { n: producer * 1000 + n })));
      const bulk = Array.from({ length: jobs / 8 }, (_, n) => ({ name: "bulk", data: { n: producer * 1000 + 500 + n } }));
      return single.concat(await one.addBulk(bulk));
    }),
  );
  const all = added.flat();
  const results = await Promise.all(all.slice(0, 50).map((job) => job.waitUntilFinished(events, WAIT_LIMIT_MS)));
  assert.deepEqual(results, all.slice(0, 50).map((job) => job.data.n * 2));
  await until("all completed events", () => completed.size === jobs);
  assert.equal(await queue.getCompletedCount(), jobs);
  assert.equal(new Set(all.map((job) => job.id)).size, jobs);
  for (const job of all) {
    assert.equal(done.get(job.id), 1);
    assert.deepEqual(completed.get(job.id), [job.data.n * 2]);
  }
  const again = await queue.getJob(all[7].id);
  assert.deepEqual([again.returnvalue, again.progress, await again.getState()], [all[7].data.n * 2, 50, "completed"]);

  const same = await Promise.all(Array.from({ length: 10 }, () => queue.add("named", { n: 1 }, { jobId: "only-one" })));
  await same[0].waitUntilFinished(events, WAIT_LIMIT_MS);
  assert.equal(done.get("only-one"), 1);
}

// Delays are kept: no job before its time, all of them in the end.
async function delayedJobs() {
  const queue = open(Queue, "delayed", { connection });
  const early = [];
  const done = [];
  worker("delayed", async (job) => {
    if (Date.now() < job.data.notBefore) early.push(job.id);
    done.push(job.data.n);
  });
  for (const n of [30, 10, 20, 0]) await queue.add("later", { n, notBefore: Date.now() + n * 10 }, { delay: n * 10 });
  const far = await queue.add("far", { n: -1, notBefore: 0 }, { delay: 3600000 });
  await until("delayed jobs", () => done.length === 4);
  assert.deepEqual([...done].sort((a, b) => a - b), [0, 10, 20, 30]);
  assert.deepEqual(early, []);
  assert.equal(await queue.getDelayedCount(), 1);
  await far.promote();
  await until("promoted job", () => done.includes(-1));
}

async function retriesWithBackoff() {
  const queue = open(Queue, "retries", { connection });
  const events = open(QueueEvents, "retries", { connection });
  await events.waitUntilReady();
  const failed = [];
  events.on("failed", ({ jobId, failedReason }) => failed.push([jobId, failedReason]));
  const work = async (job) => {
    if (job.name === "hopeless") throw new UnrecoverableError("never again");
    if (job.attemptsMade < job.data.failures) throw new Error(`try ${job.attemptsMade}`);
    return job.attemptsMade;
  };
  worker("retries", work);
  worker("retries", work);
  const options = { attempts: 4, backoff: { type: "exponential", delay: 5 } };
  const jobs = await queue.addBulk(Array.from({ length: 20 }, (_, n) => ({ name: "flaky", data: { failures: n % 4 }, opts: options })));
  assert.deepEqual(
    await Promise.all(jobs.map((job) => job.waitUntilFinished(events, WAIT_LIMIT_MS))),
    jobs.map((job) => job.data.failures),
  );
  const lost = await queue.add("flaky", { failures: 9 }, { attempts: 3, backoff: 1 });
  await assert.rejects(lost.waitUntilFinished(events, WAIT_LIMIT_MS), /try 2/);
  const hopeless = await queue.add("hopeless", {}, options);
  await assert.rejects(hopeless.waitUntilFinished(events, WAIT_LIMIT_MS), /never again/);
  await until("failed events", () => failed.length === 2);
  assert.deepEqual(failed, [[lost.id, "try 2"], [hopeless.id, "never again"]]);
  const [kept] = await queue.getFailed(1, 1); // newest first
  assert.deepEqual([kept.id, kept.attemptsMade, kept.stacktrace.length], [lost.id, 3, 3]);
  await kept.updateData({ failures: 0 });
  await kept.retry();
  await until("retried job", async () => (await kept.getState()) === "completed");
}

// Added while no worker is there, then taken in order of priority and of arrival.
async function priorities() {
  const queue = open(Queue, "priorities", { connection });
  const order = [3, 1, 2, 3, 1, 2, 0, 0];
  for (const [n, priority] of order.entries()) await queue.add("p", { n }, { priority });
  assert.deepEqual(await queue.getCountsPerPriority([0, 1, 2, 3]), { 0: 2, 1: 2, 2: 2, 3: 2 });
  const done = [];
  worker("priorities", async (job) => void done.push(job.data.n));
  await until("jobs with priorities", () => done.length === order.length);
  assert.deepEqual(done, [6, 7, 1, 4, 2, 5, 0, 3]); // none is before 1
}

// A parent runs after its children and sees what they returned.
async function flows() {
  const flow = open(FlowProducer, { connection });
  const events = open(QueueEvents, "parents", { connection });
  await events.waitUntilReady();
  for (let n = 0; n < 3; n++) worker("children", async (job) => job.data.n);
  worker("parents", async (job) => Object.values(await job.getChildrenValues()).reduce((sum, value) => sum + value, 0));
  const children = Array.from({ length: 12 }, (_, n) => ({ name: "child", queueName: "children", data: { n } }));
  const trees = await flow.addBulk(Array.from({ length: 5 }, () => ({ name: "sum", queueName: "parents", children })));
  for (const tree of trees) assert.equal(await tree.job.waitUntilFinished(events, WAIT_LIMIT_MS), 66);
}

async function rateLimitAndRepeat() {
  const queue = open(Queue, "limited", { connection });
  const starts = [];
  worker("limited", async () => void starts.push(Date.now()), { limiter: { max: 5, duration: 100 }, concurrency: 10 });
  await queue.addBulk(Array.from({ length: 20 }, () => ({ name: "limited", data: {} })));
  await until("limited jobs", () => starts.length === 20);

  const ticks = open(Queue, "ticks", { connection });
  const seen = [];
  worker("ticks", async (job) => void seen.push(job.id));
  await ticks.upsertJobScheduler("clock", { every: 30, limit: 5 }, { name: "tick", data: {} });
  await until("ticks", () => seen.length === 5);
  assert.equal(new Set(seen).size, 5);
  await ticks.removeJobScheduler("clock");
}

// While paused, nothing is done; drained and obliterated, nothing is left.
async function pausedAndCleaned() {
  const queue = open(Queue, "paused", { connection });
  const done = [];
  worker("paused", async (job) => void done.push(job.data.n));
  await queue.pause();
  await queue.addBulk(Array.from({ length: 10 }, (_, n) => ({ name: "waits", data: { n } })));
  assert.equal(await queue.count(), 10);
  assert.deepEqual(done, []);
  await queue.resume();
  await until("resumed jobs", async () => (await queue.getCompletedCount()) === 10);
  assert.deepEqual([...done].sort((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.equal((await queue.clean(0, 100, "completed")).length, 10);
  await queue.obliterate({ force: true });
  assert.deepEqual(await redis.keys("bull:paused:*"), []);
}

await redis.flushall();
await Promise.all([everyJobIsDoneOnce(), delayedJobs(), retriesWithBackoff(), priorities(), flows(), rateLimitAndRepeat(), pausedAndCleaned()]);
await Promise.all(opened.map((each) => each.close()));
redis.disconnect();
console.log("bullmq: ok");
