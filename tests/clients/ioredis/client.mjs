// ioredis's Sentinel mode, writing one number after another: see ../README.md.
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";

const [addresses, name, seconds] = process.argv.slice(2);
const { version } = createRequire(import.meta.url)("ioredis/package.json");

function say(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

function nowUs() {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}

const redis = new Redis({
  sentinels: addresses.split(",").map((address) => {
    const colon = address.lastIndexOf(":");
    return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
  }),
  name,
  sentinelPassword: process.env.SENTINEL_PASSWORD,
});
// Each is reported by the write that it fails; ioredis reconnects by itself.
redis.on("error", (error) => console.error(error.message));

say({ version });
const endMs = performance.now() + Number(seconds) * 1000;
let number = 1;
while (performance.now() < endMs) {
  try {
    await redis.set(`ioredis:${number}`, number);
  } catch (error) {
    say({ t_us: nowUs(), n: number, ok: false, error: error.message });
    await sleep(10);
    continue;
  }
  say({ t_us: nowUs(), n: number, ok: true });
  number += 1;
  await sleep(1);
}
redis.disconnect();
