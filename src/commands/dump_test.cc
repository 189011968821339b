#include "commands/command_fixture.h"
#include "rdb/dump_payload.h"
#include "rdb/writer.h"

namespace holdfast {
namespace {

class DumpTest : public CommandTest {
 protected:
  static std::string sealed(std::string body, int version = kRdbVersion) {
    append_dump_footer(body, version);
    return body;
  }
  std::string restore(std::string const& key, std::string const& payload, std::string const& ttl_and_options = "0") {
    std::vector<std::string> words = *split_args("RESTORE " + key + " " + ttl_and_options);
    words.insert(words.begin() + 3, payload);
    std::string reply = send(words);
    return reply.substr(0, reply.size() - 2);
  }
  std::string const hello_ = sealed(std::string("\0\5hello", 7));
};

TEST_F(DumpTest, payloads) {
  expect_dialogue(R"(
> SET s hello
+OK
> DUMP s
"\x00\x05hello\n\x00cr\xdfve4 \n"
> SET i 100000
+OK
> DUMP i
"\x00\xc2\xa0\x86\x01\x00\n\x00\xf1$\x03Po/\xa6t"
> DUMP missing
nil
)");
}

TEST_F(DumpTest, what_was_dumped_is_restored) {
  for (std::string value : {std::string("hello"), std::string("12"), std::string("012"), std::string(),
                            std::string(100, 'a'), std::string(100'000, 'b')}) {
    send({"SET", "k", value});
    std::string reply = send({"DUMP", "k"});
    std::string payload = reply.substr(reply.find("\r\n") + 2);
    payload.resize(payload.size() - 2);
    EXPECT_EQ(restore("copy", payload, "0 REPLACE"), "+OK");
    EXPECT_EQ(send({"GET", "copy"}), send({"GET", "k"}));
    EXPECT_EQ(run("OBJECT ENCODING copy"), run("OBJECT ENCODING k"));
  }
}

TEST_F(DumpTest, options) {
  EXPECT_EQ(restore("k", hello_), "+OK");
  EXPECT_EQ(restore("k", hello_), "-BUSYKEY Target key name already exists.");
  EXPECT_EQ(restore("k", hello_, "-1"), "-BUSYKEY Target key name already exists.");
  EXPECT_EQ(restore("k", hello_, "-1 REPLACE"), "-ERR Invalid TTL value, must be >= 0");
  EXPECT_EQ(restore("k", hello_, "abc REPLACE"), "-ERR value is not an integer or out of range");
  EXPECT_EQ(restore("k", hello_, "abc FOO"), "-ERR syntax error");
  EXPECT_EQ(restore("k", hello_, "5000 REPLACE"), "+OK");
  expect("PTTL k", ":5000");
  EXPECT_EQ(restore("k", hello_, "9223372036854775807 REPLACE ABSTTL"), "+OK");
  expect("PEXPIRETIME k", ":9223372036854775807");
  EXPECT_EQ(restore("k", hello_, "0 REPLACE IDLETIME 1000"), "+OK");
  expect("OBJECT IDLETIME k", ":1000");
  EXPECT_EQ(restore("k", hello_, "0 REPLACE IDLETIME -1"), "-ERR Invalid IDLETIME value, must be >= 0");
  EXPECT_EQ(restore("k", hello_, "0 REPLACE IDLETIME"), "-ERR syntax error");
  EXPECT_EQ(restore("k", hello_, "0 REPLACE FREQ 256 FOO"), "-ERR Invalid FREQ value, must be >= 0 and <= 255");
  EXPECT_EQ(restore("k", hello_, "0 REPLACE FREQ 1 IDLETIME 1"), "-ERR syntax error");
  keyspace_.access().lfu = true;
  EXPECT_EQ(restore("k", hello_, "0 REPLACE FREQ 100"), "+OK");
  expect("OBJECT FREQ k", ":100");
}

TEST_F(DumpTest, payloads_that_are_wrong) {
  constexpr std::string_view kRefused = "-ERR DUMP payload version or checksum are wrong";
  constexpr std::string_view kBad = "-ERR Bad data format";
  EXPECT_EQ(restore("k", ""), kRefused);
  EXPECT_EQ(restore("k", "abc"), kRefused);
  std::string flipped = hello_;
  flipped[3] ^= 1;
  EXPECT_EQ(restore("k", flipped), kRefused);
  EXPECT_EQ(restore("k", sealed(std::string("\0\5hello", 7), kRdbVersionReadableMax + 1)), kRefused);
  EXPECT_EQ(restore("k", sealed(std::string("\0\5hell", 6))), kBad);
  EXPECT_EQ(restore("k", sealed(std::string("\x06\x01\x01"
                                            "a",
                                            4))),
            kBad);
  EXPECT_EQ(restore("k", sealed("\xfe\x01")), kBad);
  EXPECT_EQ(restore("k", sealed("")), kBad);
  expect("EXISTS k", ":0");
  EXPECT_EQ(restore("k", sealed(std::string("\0\3abcdef", 8))), "+OK");
  expect("GET k", "\"abc\"");
}

TEST_F(DumpTest, payloads_of_later_versions_are_read) {
  for (int version = kRdbVersion; version <= kRdbVersionReadableMax; version++) {
    EXPECT_EQ(restore("k", sealed(std::string("\0\5hello", 7), version), "0 REPLACE"), "+OK") << version;
    expect("GET k", "\"hello\"");
  }
}

TEST_F(DumpTest, compression_follows_rdbcompression) {
  for (size_t bytes : {50u, 600u, 40'000u}) {
    send({"SET", "k", std::string(bytes, 'a')});
    EXPECT_TRUE(config_.load_text("rdbcompression no\n"));
    size_t const plain = send({"DUMP", "k"}).size();
    EXPECT_GT(plain, bytes);
    EXPECT_TRUE(config_.load_text("rdbcompression yes\n"));
    EXPECT_LT(send({"DUMP", "k"}).size(), plain - bytes / 3);
  }
}

TEST_F(DumpTest, long_values_are_written_without_locks) {
  std::string const value(600, 'a');
  send({"SET", "k", value});
  OutputBuffer out;
  Reply reply(out, 2);
  std::vector<std::string_view> const words = {"DUMP", "k"};
  EXPECT_EQ(gate_execute(Args(words), reply), Gate::Outcome::kRunning);
  EXPECT_TRUE(keyspace_.partition(keyspace_.partition_index(keyspace_.hash("k"))).lock.try_lock());
  keyspace_.partition(keyspace_.partition_index(keyspace_.hash("k"))).lock.unlock();
  session_->running.reset();
  // What is sent is the value of the moment of the command.
  Reply second(out, 2);
  EXPECT_EQ(gate_execute(Args(words), second), Gate::Outcome::kRunning);
  auto running = std::move(session_->running);
  run("SET k other");
  EXPECT_EQ(running->slice(second, 1000), Task::Progress::kDone);
  std::string const sent = out.to_string();
  std::string const payload = sent.substr(sent.find("\r\n") + 2, sent.size() - sent.find("\r\n") - 4);
  EXPECT_EQ(restore("k", payload, "0 REPLACE"), "+OK");
  expect("GET k", '"' + value + '"');
  EXPECT_EQ(run("MULTI"), "+OK");
  run("DUMP k");
  run("EXEC");
}

TEST_F(DumpTest, long_payloads_are_decoded_before_their_lock_is_taken) {
  std::string body("\0", 1);
  RdbWriter(body, false).string(std::string(20'000, 'l'));
  std::string const payload = sealed(body);
  PartitionLock& lock = keyspace_.partition(keyspace_.partition_index(keyspace_.hash("k"))).lock;
  OutputBuffer out;
  Reply reply(out, 2);
  std::vector<std::string_view> const words = {"RESTORE", "k", "0", payload};
  EXPECT_EQ(gate_execute(Args(words), reply), Gate::Outcome::kRunning);
  ASSERT_TRUE(lock.try_lock());
  EXPECT_EQ(session_->running->slice(reply, 1000), Task::Progress::kAgain);
  lock.unlock();
  EXPECT_EQ(session_->running->slice(reply, 1000), Task::Progress::kDone);
  session_->running.reset();
  expect("STRLEN k", ":20000");
  EXPECT_EQ(restore("k", payload), "-BUSYKEY Target key name already exists.");
  EXPECT_EQ(restore("k", payload, "0 REPLACE FOO"), "-ERR syntax error");
  std::string flipped = payload;
  flipped[9000] ^= 1;
  EXPECT_EQ(restore("k", flipped, "0 REPLACE"), "-ERR DUMP payload version or checksum are wrong");
  EXPECT_EQ(restore("k", sealed(body.substr(0, 19'000)), "0 REPLACE"), "-ERR Bad data format");
  expect("STRLEN k", ":20000");
  expect_logged("restore k 5000 " + quote(payload) + " replace", "restore k 1700000005000 " + payload + " replace ABSTTL");
  run("DEL k");
  expect_logged("restore k 0 " + quote(payload), "restore k 0 " + payload);
  run("MULTI");
  expect("restore k 0 " + quote(payload) + " replace", "+QUEUED");
  expect("EXEC", "[+OK]");
}

TEST_F(DumpTest, effects_in_the_log) {
  run("FLUSHALL");
  std::string const payload = quote(hello_);
  std::string const raw = hello_;
  expect_logged("restore k 0 " + payload, "restore k 0 " + raw);
  expect_logged("restore k 5000 " + payload + " replace", "restore k 1700000005000 " + raw + " replace ABSTTL");
  expect_logged("restore k 1800000000000 " + payload + " replace absttl",
                "restore k 1800000000000 " + raw + " replace absttl");
  expect_logged("restore k 1 " + payload + " replace absttl", "DEL k");
  expect_logged("restore k 1 " + payload + " replace absttl", "");
}

}  // namespace
}  // namespace holdfast
