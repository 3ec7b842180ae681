"""redis-py's Sentinel client, writing one number after another: see ../README.md."""

import json
import os
import sys
import time

import redis
from redis.sentinel import Sentinel


def say(**line):
    print(json.dumps(line), flush=True)


def now_us():
    return time.time_ns() // 1000


def main():
    addresses, name, seconds = sys.argv[1:]
    sentinels = [tuple(address.rsplit(":", 1)) for address in addresses.split(",")]
    password = os.environ.get("SENTINEL_PASSWORD")
    sentinel = Sentinel(
        sentinels,
        socket_timeout=0.1,
        sentinel_kwargs={"socket_timeout": 0.1, "password": password},
    )
    master = sentinel.master_for(name, socket_timeout=0.1)

    say(version=redis.__version__)
    end = time.monotonic() + float(seconds)
    number = 1
    while time.monotonic() < end:
        try:
            master.set(f"redis-py:{number}", number)
        except redis.RedisError as error:
            say(t_us=now_us(), n=number, ok=False, error=f"{type(error).__name__}: {error}")
            time.sleep(0.010)
        else:
            say(t_us=now_us(), n=number, ok=True)
            number += 1
            time.sleep(0.001)


main()
