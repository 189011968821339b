#include "resp/request_parser.h"

#include <gtest/gtest.h>

#include <climits>
#include <random>
#include <string>
#include <vector>

namespace holdfast {
namespace {

using Command = std::vector<std::string>;

struct Outcome {
  std::vector<Command> commands;
  uint64_t wire_bytes = 0;
  size_t consumed = 0;
  std::string error;

  bool operator==(Outcome const&) const = default;
};

void PrintTo(Outcome const& outcome, std::ostream* os) {
  *os << outcome.commands.size() << " commands, " << outcome.consumed << " bytes, error '" << outcome.error << "'";
}

/// A connection that receives `input` in pieces of the given sizes (repeated), each time into a new buffer.
Outcome feed(std::string const& input, std::vector<size_t> const& pieces, RequestLimits const& limits = {}) {
  RequestParser parser;
  CommandBatch batch;
  Outcome outcome;
  std::string pending;
  size_t at = 0;
  for (size_t turn = 0; at < input.size(); turn++) {
    size_t size = std::min(pieces[turn % pieces.size()], input.size() - at);
    pending = std::string(pending) + input.substr(at, size);
    pending.shrink_to_fit();
    at += size;
    for (;;) {
      size_t consumed = 0;
      RequestParser::Status status = parser.parse(pending, limits, batch, consumed, outcome.error);
      for (size_t i = 0; i < batch.size(); i++) {
        CommandView command = batch[i];
        Command words;
        for (uint32_t arg = 0; arg < command.argc; arg++) words.emplace_back(command[arg]);
        outcome.commands.push_back(words);
        outcome.wire_bytes += command.wire_bytes;
        EXPECT_LE(batch.end_offset(i), consumed);
      }
      pending.erase(0, consumed);
      outcome.consumed += consumed;
      if (status == RequestParser::Status::kError) return outcome;
      if (status == RequestParser::Status::kMore) break;
      EXPECT_EQ(batch.size(), limits.authenticated ? kBatchCommandsMax : 1u);
    }
  }
  return outcome;
}

/// The result of the whole input; checks that pieces of one and of some odd sizes give the same.
Outcome parse(std::string const& input, RequestLimits const& limits = {}) {
  Outcome whole = feed(input, {input.size() + 1}, limits);
  EXPECT_EQ(whole, feed(input, {input.size() > 20'000 ? size_t{997} : 1}, limits));
  EXPECT_EQ(whole, feed(input, {7, 1, 300, 2}, limits));
  return whole;
}

std::string wire(Command const& command) {
  std::string text = "*" + std::to_string(command.size()) + "\r\n";
  for (std::string const& word : command) text += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return text;
}

using Commands = std::vector<Command>;

TEST(RequestParser, Multibulk) {
  std::string input = "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n*1\r\n$4\r\nPING\r\n";
  Outcome outcome = parse(input);
  EXPECT_EQ(outcome.commands, (Commands{{"GET", "key"}, {"PING"}}));
  EXPECT_EQ(outcome.consumed, input.size());
  EXPECT_EQ(outcome.wire_bytes, input.size());
  EXPECT_EQ(outcome.error, "");
}

TEST(RequestParser, ArgumentsAreBinaryAndMayBeEmpty) {
  Command command{"SET", std::string("a\r\n\0$b", 6), ""};
  EXPECT_EQ(parse(wire(command)).commands, Commands{command});
}

TEST(RequestParser, ArgumentsPointIntoTheInput) {
  std::string input = "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\nPING hello\r\n";
  RequestParser parser;
  CommandBatch batch;
  size_t consumed;
  std::string error;
  EXPECT_EQ(parser.parse(input, {}, batch, consumed, error), RequestParser::Status::kMore);
  ASSERT_EQ(batch.size(), 2u);
  EXPECT_EQ(batch[0][1].data(), input.data() + 17);
  EXPECT_EQ(batch[0].wire_bytes, 22u);
  EXPECT_EQ(batch.end_offset(0), 22u);
  EXPECT_EQ(batch[1][1].data(), input.data() + 27);
  EXPECT_EQ(batch[1].wire_bytes, 12u);
  EXPECT_EQ(batch.end_offset(1), input.size());
}

TEST(RequestParser, ArgumentLengthsOfAllDigitCounts) {
  for (size_t size : {0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10000, 70000}) {
    Command command{"SET", std::string(size, 'v'), "x"};
    EXPECT_EQ(parse(wire(command)).commands, Commands{command}) << size;
  }
}

TEST(RequestParser, BytesBehindPayloadAndLineAreNotChecked) {
  EXPECT_EQ(parse("*1\r\n$4\r\nPINGxy*1\r\n$4\r\nPONG\r\n").commands, (Commands{{"PING"}, {"PONG"}}));
  EXPECT_EQ(parse("*1\rX$4\rYPING\r\n").commands, Commands{{"PING"}});
}

TEST(RequestParser, EmptyRequestsAreIgnored) {
  std::string input = "*0\r\n\r\n*-1\r\n\n   \r\n*-5\r\n*-9223372036854775808\r\n*1\r\n$4\r\nPING\r\n\r\n*0\r\n";
  Outcome outcome = parse(input);
  EXPECT_EQ(outcome.commands, Commands{{"PING"}});
  EXPECT_EQ(outcome.consumed, input.size());
  EXPECT_EQ(outcome.wire_bytes, 14u) << "ignored lines belong to no command";
}

TEST(RequestParser, SurplusArgumentsAreInlineRequests) {
  EXPECT_EQ(parse("*1\r\n$4\r\nPING\r\n$3\r\nfoo\r\n").commands, (Commands{{"PING"}, {"$3"}, {"foo"}}));
}

TEST(RequestParser, IncompleteRequestsWait) {
  std::string input = "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n";
  for (size_t size = 0; size < input.size(); size++) {
    Outcome outcome = parse(input.substr(0, size));
    EXPECT_TRUE(outcome.commands.empty()) << size;
    EXPECT_EQ(outcome.consumed, 0u) << size;
    EXPECT_EQ(outcome.error, "") << size;
  }
  EXPECT_TRUE(parse("PING").commands.empty());
  EXPECT_TRUE(parse("PING \"abc\\").commands.empty());
}

TEST(RequestParser, InlineRequests) {
  struct Row {
    std::string line;
    Command expected;
  };
  Row const rows[] = {
      {"PING", {"PING"}},
      {"PING\r", {"PING"}},
      {"PING\r\r", {"PING"}},
      {"\r\rPING", {"PING"}},
      {" \t SET  a\tb \r", {"SET", "a", "b"}},
      {"PING\va\fb", {"PING\va\fb"}},
      {"\v\fPING", {"PING"}},
      {"set \"a b\" 'x\\'y'\r", {"set", "a b", "x'y"}},
      {"PING \"\\x41\\n\\r\\t\\b\\a\\q\\\"\"", {"PING", "A\n\r\t\b\aq\""}},
      {"PING \"\\x4\"", {"PING", "x4"}},
      {"PING 'a\\n'", {"PING", "a\\n"}},
      {"PING a\"b c\"", {"PING", "ab c"}},
      {"PING \"\" ''", {"PING", "", ""}},
      {"PING a\\", {"PING", "a\\"}},
      {"\"PING\"", {"PING"}},
      {"$3", {"$3"}},
  };
  for (Row const& row : rows) EXPECT_EQ(parse(row.line + "\n").commands, Commands{row.expected}) << row.line;

  for (std::string line : {"PING \"a", "PING \"a\"b", "PING 'a", "PING 'a'b", "PING \"\\\"", "\""}) {
    Outcome outcome = parse("FIRST\r\n" + line + "\r\nLAST\r\n");
    EXPECT_EQ(outcome.commands, Commands{{"FIRST"}}) << line;
    EXPECT_EQ(outcome.error, "Protocol error: unbalanced quotes in request") << line;
    EXPECT_EQ(outcome.consumed, 7u) << line;
  }
}

TEST(RequestParser, QuotedWordsOfManyCommandsKeepTheirBytes) {
  std::string input;
  Commands expected;
  for (int i = 0; i < 40; i++) {
    input += "SET \"key " + std::to_string(i) + "\" plain 'v'\r\n";
    expected.push_back({"SET", "key " + std::to_string(i), "plain", "v"});
  }
  EXPECT_EQ(parse(input).commands, expected);
}

TEST(RequestParser, ProtocolErrors) {
  struct Row {
    std::string input;
    std::string error;
    std::string reason;
  };
  std::string const line_max(kRequestLineBytesMax, 'X');
  std::string const digits(kRequestLineBytesMax + 10, '1');
  std::string const mbulk = "Protocol error: invalid multibulk length";
  std::string const bulk = "Protocol error: invalid bulk length";
  std::string const no_dollar = "expected $ but got something else";
  Row const rows[] = {
      {line_max + "X", "Protocol error: too big inline request", "too big inline request"},
      {line_max + "X\n", "Protocol error: too big inline request", "too big inline request"},
      {"PING '\n", "Protocol error: unbalanced quotes in request", "unbalanced quotes in inline request"},
      {"*" + digits, "Protocol error: too big mbulk count string", "too big mbulk count string"},
      {"*\r\n", mbulk, "invalid mbulk count"},
      {"*01\r\n", mbulk, "invalid mbulk count"},
      {"*+1\r\n", mbulk, "invalid mbulk count"},
      {"*-0\r\n", mbulk, "invalid mbulk count"},
      {"* 1\r\n", mbulk, "invalid mbulk count"},
      {"*1 \r\n", mbulk, "invalid mbulk count"},
      {"*1\n$4\nPING\n\r\n", mbulk, "invalid mbulk count"},
      {"*x\r\n", mbulk, "invalid mbulk count"},
      {"*2147483648\r\n", mbulk, "invalid mbulk count"},
      {"*99999999999999999999\r\n", mbulk, "invalid mbulk count"},
      {"*-99999999999999999999\r\n", mbulk, "invalid mbulk count"},
      {"*1\r\nXYZ\r\n", "Protocol error: expected '$', got 'X'", no_dollar},
      {"*1\r\n*1\r\n", "Protocol error: expected '$', got '*'", no_dollar},
      {"*1\r\n\r\n", "Protocol error: expected '$', got ' '", no_dollar},
      {"*1\r\n\n\r\n", "Protocol error: expected '$', got ' '", no_dollar},
      {"*2\r\n$1\r\na\r\nb\r\n", "Protocol error: expected '$', got 'b'", no_dollar},
      {"*1\r\n$" + digits, "Protocol error: too big bulk count string", "too big bulk count string"},
      {"*1\r\n" + line_max + "XX", "Protocol error: too big bulk count string", "too big bulk count string"},
      {"*1\r\n$\r\n", bulk, "invalid bulk length"},
      {"*1\r\n$-1\r\n", bulk, "invalid bulk length"},
      {"*1\r\n$-0\r\n", bulk, "invalid bulk length"},
      {"*1\r\n$04\r\nPING\r\n", bulk, "invalid bulk length"},
      {"*1\r\n$ 4\r\n", bulk, "invalid bulk length"},
      {"*1\r\n$12x\r\n", bulk, "invalid bulk length"},
      {"*1\r\n$536870913\r\n", bulk, "invalid bulk length"},
      {"*1\r\n$99999999999999999999\r\n", bulk, "invalid bulk length"},
  };
  for (Row const& row : rows) {
    std::string shown = row.input.substr(0, 40);
    Outcome outcome = parse("*1\r\n$4\r\nPING\r\nPING x\r\n" + row.input);
    EXPECT_EQ(outcome.commands, (Commands{{"PING"}, {"PING", "x"}})) << shown;
    EXPECT_EQ(outcome.error, row.error) << shown;
    EXPECT_EQ(outcome.consumed, 22u) << shown;

    RequestParser parser;
    CommandBatch batch;
    size_t consumed;
    std::string error;
    EXPECT_EQ(parser.parse(row.input, {}, batch, consumed, error), RequestParser::Status::kError) << shown;
    EXPECT_EQ(parser.error_reason(), row.reason) << shown;
    EXPECT_EQ(batch.size(), 0u);
  }
}

TEST(RequestParser, LinesUpToTheLimitAreAccepted) {
  EXPECT_EQ(parse(std::string(kRequestLineBytesMax, 'X') + "\n").commands,
            Commands{{std::string(kRequestLineBytesMax, 'X')}});
  EXPECT_EQ(parse(std::string(kRequestLineBytesMax, 'X')).error, "");
  EXPECT_EQ(parse("*" + std::string(kRequestLineBytesMax - 1, '1')).error, "");
  EXPECT_EQ(parse("*1\r\n$" + std::string(kRequestLineBytesMax - 1, '1')).error, "");
}

TEST(RequestParser, LargestCountsAreAcceptedWithoutTakingTheirRoom) {
  EXPECT_EQ(parse("*2147483647\r\n$4\r\nPING\r\n").error, "");
  EXPECT_EQ(parse("*1\r\n$536870912\r\n").error, "");
}

TEST(RequestParser, UnauthenticatedLimits) {
  RequestLimits const limits{.authenticated = false};
  EXPECT_EQ(parse("*11\r\n", limits).error, "Protocol error: unauthenticated multibulk length");
  EXPECT_EQ(parse("*2147483648\r\n", limits).error, "Protocol error: invalid multibulk length");
  EXPECT_EQ(parse("*1\r\n$16385\r\n", limits).error, "Protocol error: unauthenticated bulk length");
  EXPECT_EQ(parse("*1\r\n$-1\r\n", limits).error, "Protocol error: invalid bulk length");

  Command command(10, std::string(16384, 'a'));
  EXPECT_EQ(parse(wire(command), limits).commands, Commands{command});
  EXPECT_EQ(parse(std::string(20'000, 'i') + "\n", limits).commands, Commands{{std::string(20'000, 'i')}});
}

TEST(RequestParser, AnUnauthenticatedBatchHoldsOneCommandSoThatAuthCanLiftTheLimits) {
  std::string input = "AUTH x\r\n" + wire(Command(20, "a"));
  RequestParser parser;
  CommandBatch batch;
  size_t consumed;
  std::string error;
  EXPECT_EQ(parser.parse(input, {.authenticated = false}, batch, consumed, error), RequestParser::Status::kBatchFull);
  ASSERT_EQ(batch.size(), 1u);
  input.erase(0, consumed);
  EXPECT_EQ(parser.parse(input, {.authenticated = true}, batch, consumed, error), RequestParser::Status::kMore);
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch[0].argc, 20u);
}

TEST(RequestParser, BulkLimitIsAParameter) {
  EXPECT_EQ(parse("*1\r\n$5\r\n", {.bulk_bytes_max = 4}).error, "Protocol error: invalid bulk length");
  EXPECT_EQ(parse("*1\r\n$4\r\nPING\r\n", {.bulk_bytes_max = 4}).commands, Commands{{"PING"}});
  EXPECT_EQ(parse("*1\r\n$9223372036854775807\r\n", {.bulk_bytes_max = INT64_MAX}).error, "");
}

TEST(RequestParser, BatchesHaveABound) {
  std::string input;
  for (int i = 0; i < 40; i++) input += wire({"GET", std::to_string(i)});
  RequestParser parser;
  CommandBatch batch;
  std::string error;
  std::vector<size_t> sizes;
  RequestParser::Status status = RequestParser::Status::kBatchFull;
  std::string rest = input;
  while (status == RequestParser::Status::kBatchFull) {
    size_t consumed;
    status = parser.parse(rest, {}, batch, consumed, error);
    sizes.push_back(batch.size());
    EXPECT_EQ(consumed, batch.end_offset(batch.size() - 1));
    rest.erase(0, consumed);
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{16, 16, 8}));
  EXPECT_EQ(rest, "");
  EXPECT_EQ(parse(input).commands.size(), 40u);
}

TEST(RequestParser, AFullBatchAtTheEndOfTheInputIsAllThereIs) {
  std::string input;
  for (size_t i = 0; i < kBatchCommandsMax; i++) input += "PING\r\n";
  RequestParser parser;
  CommandBatch batch;
  size_t consumed;
  std::string error;
  EXPECT_EQ(parser.parse(input, {}, batch, consumed, error), RequestParser::Status::kMore);
  EXPECT_EQ(batch.size(), kBatchCommandsMax);
}

TEST(RequestParser, TellsHowManyBytesAnArgumentNeeds) {
  RequestParser parser;
  CommandBatch batch;
  size_t consumed;
  std::string error;
  std::string input = "PING\r\n*2\r\n$3\r\nGET\r\n$100000\r\nabc";
  EXPECT_EQ(parser.bytes_wanted(), 0u);
  parser.parse(input, {}, batch, consumed, error);
  EXPECT_EQ(batch.size(), 1u);
  EXPECT_EQ(consumed, 6u);
  EXPECT_EQ(parser.bytes_wanted(), 100'000u + 2 - 3);
  input.erase(0, consumed);
  input += std::string(50'000, 'd');
  parser.parse(input, {}, batch, consumed, error);
  EXPECT_EQ(consumed, 0u);
  EXPECT_EQ(parser.bytes_wanted(), 50'000u + 2 - 3);
  input += std::string(parser.bytes_wanted(), 'd');
  EXPECT_EQ(parser.parse(input, {}, batch, consumed, error), RequestParser::Status::kMore);
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch[0][1].size(), 100'000u);
  EXPECT_EQ(parser.bytes_wanted(), 0u);

  parser.parse("*1\r\n$", {}, batch, consumed, error);
  EXPECT_EQ(parser.bytes_wanted(), 1u);
  parser.reset();
  EXPECT_EQ(parser.bytes_wanted(), 0u);
  parser.parse("PING\r\n", {}, batch, consumed, error);
  EXPECT_EQ(batch.size(), 1u);
}

TEST(RequestParser, ManyArgumentsInSmallPieces) {
  Command command{"MSET"};
  for (int i = 0; i < 200'000; i++) command.push_back(std::to_string(i));
  std::string input = wire(command) + wire({"PING"});
  RequestParser parser;
  CommandBatch batch;
  std::string error;
  size_t consumed = 0;
  // Ever longer prefixes of one buffer: a parser that began anew each time would look at 200 GB.
  for (size_t size = 0; size < input.size() - 14; size += 16) {
    ASSERT_EQ(parser.parse({input.data(), size}, {}, batch, consumed, error), RequestParser::Status::kMore);
    ASSERT_EQ(batch.size(), 0u);
    ASSERT_EQ(consumed, 0u);
  }
  parser.parse(input, {}, batch, consumed, error);
  ASSERT_EQ(batch.size(), 2u);
  ASSERT_EQ(batch[0].argc, command.size());
  for (uint32_t i = 0; i < command.size(); i++) ASSERT_EQ(batch[0][i], command[i]);
  EXPECT_EQ(batch[1][0], "PING");
  EXPECT_EQ(consumed, input.size());
}

/// A stream of all kinds of requests, now and then damaged.
std::string random_stream(std::mt19937& random) {
  std::string input;
  for (size_t i = 0, count = random() % 40; i < count; i++) {
    switch (random() % 10) {
      case 0:
        input += "PING \"quoted \\x41 word\" 'x y'\r\n";
        break;
      case 1:
        input += "get plain\tword\n";
        break;
      case 2:
        input += random() % 2 ? "*0\r\n" : "\r\n";
        break;
      default: {
        Command command;
        for (size_t arg = 0, argc = 1 + random() % (random() % 10 == 0 ? 200 : 5); arg < argc; arg++) {
          command.emplace_back(random() % (random() % 20 == 0 ? 20'000 : 30), static_cast<char>('a' + random() % 26));
        }
        input += wire(command);
      }
    }
  }
  if (!input.empty() && random() % 3 == 0) input[random() % input.size()] = static_cast<char>(random());
  return input;
}

TEST(RequestParser, AnyCutOfTheInputGivesTheSameCommands) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; round++) {
    std::string input = random_stream(random);
    RequestLimits limits{.bulk_bytes_max = random() % 4 == 0 ? 10'000 : 1 << 20, .authenticated = random() % 4 != 0};
    Outcome whole = feed(input, {input.size() + 1}, limits);
    std::vector<size_t> pieces;
    for (int i = 0; i < 50; i++) pieces.push_back(1 + random() % (i % 5 == 0 ? 3000 : 40));
    ASSERT_EQ(whole, feed(input, pieces, limits)) << "round " << round;
    if (input.size() >= 3000) continue;
    ASSERT_EQ(whole, feed(input, {1}, limits)) << "round " << round;
  }
}

}  // namespace
}  // namespace holdfast
