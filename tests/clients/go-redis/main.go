// go-redis's failover client, writing one number after another: see ../README.md.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

type hello struct {
	Version string `json:"version"`
}

type event struct {
	TimeUs int64  `json:"t_us"`
	Number int64  `json:"n"`
	OK     bool   `json:"ok"`
	Error  string `json:"error,omitempty"`
}

func say(line any) {
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		panic(err)
	}
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: client HOST:PORT,... NAME SECONDS")
		os.Exit(2)
	}
	seconds, err := strconv.Atoi(os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName:       os.Args[2],
		SentinelAddrs:    strings.Split(os.Args[1], ","),
		SentinelPassword: os.Getenv("SENTINEL_PASSWORD"),
	})
	defer client.Close()

	say(hello{Version: redis.Version()})
	ctx := context.Background()
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	number := int64(1)
	for time.Now().Before(end) {
		err := client.Set(ctx, fmt.Sprintf("go-redis:%d", number), number, 0).Err()
		if err != nil {
			say(event{TimeUs: time.Now().UnixMicro(), Number: number, Error: err.Error()})
			time.Sleep(10 * time.Millisecond)
			continue
		}
		say(event{TimeUs: time.Now().UnixMicro(), Number: number, OK: true})
		number++
		time.Sleep(time.Millisecond)
	}
}
