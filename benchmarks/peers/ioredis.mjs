// ioredis with auto-pipelining: the worker of the one peer that is not Python. It speaks as _worker.py does.
import Redis from "ioredis";
import { createInterface } from "node:readline";

const KEY = "bench:key";
const VALUE = "0123456789abcdef".repeat(4);
const WARM_UP = 0.3;

async function askFor(redis, tasks, seconds) {
  let isOn = true;
  let asked = 0;
  const askOn = async () => {
    while (isOn) {
      await redis.get(KEY);
      asked += 1;
    }
  };
  setTimeout(() => { isOn = false; }, seconds * 1000);
  const start = performance.now();
  await Promise.all(Array.from({ length: tasks }, askOn));
  return asked / ((performance.now() - start) / 1000);
}

async function measure({ params, place }) {
  if (params.work !== "gets") return { missing: "not asked of ioredis" };
  const redis = new Redis({ host: place.host, port: place.port, enableAutoPipelining: true });
  try {
    await redis.set(KEY, VALUE);
    if (await redis.get(KEY) !== VALUE) throw new Error("the answer is not the value that was set");
    await askFor(redis, params.tasks, place.seconds * WARM_UP);
    return { figures: { "ops/s": await askFor(redis, params.tasks, place.seconds) } };
  } finally {
    redis.disconnect();
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await measure(JSON.parse(line)).catch((error) => ({ failed: String(error) }));
  process.stdout.write(JSON.stringify(answer) + "\n");
}
