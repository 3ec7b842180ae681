// go-redis, writing one number after another: see ../README.md.
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

func throughSentinels(addresses, name string) *redis.Client {
	return redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName:       name,
		SentinelAddrs:    strings.Split(addresses, ","),
		SentinelPassword: os.Getenv("SENTINEL_PASSWORD"),
	})
}

func throughService(address, settings string) *redis.Client {
	options := redis.Options{Addr: address, Password: os.Getenv("SERVICE_PASSWORD")}
	if settings == "recommended" {
		options.DialTimeout = time.Second
		options.ReadTimeout = time.Second
		options.WriteTimeout = time.Second
		options.MaxRetries = 100
		options.MinRetryBackoff = 10 * time.Millisecond
		options.MaxRetryBackoff = 100 * time.Millisecond
	}
	return redis.NewClient(&options)
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
	client := throughSentinels(os.Args[1], os.Args[2])
	if settings := os.Getenv("SERVICE"); settings != "" {
		client = throughService(os.Args[1], settings)
	}
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
