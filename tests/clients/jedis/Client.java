import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;

import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisSentinelClient;
import redis.clients.jedis.exceptions.JedisException;

/** Jedis's Sentinel client, writing one number after another: see ../README.md. */
final class Client {
  public static void main(String[] arguments) throws InterruptedException, IOException {
    Set<HostAndPort> sentinels =
        Arrays.stream(arguments[0].split(",")).map(HostAndPort::from).collect(Collectors.toSet());
    DefaultJedisClientConfig.Builder sentinelConfig = DefaultJedisClientConfig.builder();
    String password = System.getenv("SENTINEL_PASSWORD");
    if (password != null) {
      sentinelConfig.password(password);
    }
    Duration limit = Duration.ofSeconds(Long.parseLong(arguments[2]));

    try (RedisSentinelClient client =
        RedisSentinelClient.builder()
            .masterName(arguments[1])
            .sentinels(sentinels)
            .sentinelClientConfig(sentinelConfig.build())
            .build()) {
      System.out.printf("{\"version\":\"%s\"}%n", version());
      long start = System.nanoTime();
      long number = 1;
      while (System.nanoTime() - start < limit.toNanos()) {
        try {
          client.set("jedis:" + number, Long.toString(number));
        } catch (JedisException error) {
          System.out.printf(
              "{\"t_us\":%d,\"n\":%d,\"ok\":false,\"error\":\"%s\"}%n",
              nowUs(), number, plain(error.toString()));
          Thread.sleep(10);
          continue;
        }
        System.out.printf("{\"t_us\":%d,\"n\":%d,\"ok\":true}%n", nowUs(), number);
        number++;
        Thread.sleep(1);
      }
    }
  }

  private static String version() throws IOException {
    Properties properties = new Properties();
    try (InputStream file = RedisSentinelClient.class.getResourceAsStream("pom.properties")) {
      properties.load(file);
    }
    return properties.getProperty("version");
  }

  private static long nowUs() {
    return ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
  }

  /** The text without what would have to be escaped in JSON. */
  private static String plain(String text) {
    return text.replaceAll("[\"\\\\\\p{Cntrl}]", "'");
  }
}
