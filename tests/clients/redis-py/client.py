"""redis-py, writing one number after another: see ../README.md."""

import json
import os
import sys
import time

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel


def say(**line):
    print(json.dumps(line), flush=True)


def now_us():
    return time.time_ns() // 1000


def through_sentinels(addresses, name):
    sentinels = [tuple(address.rsplit(":", 1)) for address in addresses.split(",")]
    password = os.environ.get("SENTINEL_PASSWORD")
    sentinel = Sentinel(
        sentinels,
        socket_timeout=0.1,
        sentinel_kwargs={"socket_timeout": 0.1, "password": password},
    )
    return sentinel.master_for(name, socket_timeout=0.1)


def through_service(address, settings):
    host, port = address.rsplit(":", 1)
    options = {"host": host, "port": int(port), "password": os.environ["SERVICE_PASSWORD"]}
    if settings == "recommended":
        options |= {
            "socket_timeout": 1,
            "socket_connect_timeout": 1,
            "retry": Retry(ExponentialBackoff(cap=0.1, base=0.01), 100),
            "retry_on_error": [redis.ConnectionError, redis.TimeoutError],
        }
    return redis.Redis(**options)


def main():
    addresses, name, seconds = sys.argv[1:]
    service = os.environ.get("SERVICE")
    master = through_service(addresses, service) if service else through_sentinels(addresses, name)

    say(version=redis.__version__)
    end = time.monotonic() + float(seconds)
    number = 1
    while time.monotonic() < end:
        try:
            master.set(f"redis-py:{number}", number)
        except redis.RedisError as error:
            say(t_us=now_us(), n=number, ok=False, error=f"{type(error).__name__}: {error}")
            if isinstance(error, redis.ReadOnlyError) and service == "recommended":
                master.connection_pool.disconnect()
            time.sleep(0.010)
        else:
            say(t_us=now_us(), n=number, ok=True)
            number += 1
            time.sleep(0.001)


main()
