#include "command/command_table.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

void nothing(Txn&, Args, Reply&) {}

CommandRow const kCommandTableTestRows[] = {
    {.name = "get", .arity = 2, .flags = "readonly fast", .keys = "RO access i1 r(0,1,0)", .categories = "string", .handler = &nothing},
    {.name = "mset", .arity = -3, .flags = "write denyoom", .keys = "OW update i1 r(-1,2,0)", .categories = "string", .handler = &nothing},
    {.name = "copy", .arity = -3, .flags = "write denyoom", .keys = "RO access i1 r(0,1,0); OW update i2 r(0,1,0)", .categories = "keyspace", .handler = &nothing},
    {.name = "zdiffstore", .arity = -4, .flags = "write denyoom movablekeys", .keys = "OW update i1 r(0,1,0); RO access i2 n(0,1,1)", .categories = "sortedset", .handler = &nothing},
    {.name = "xread", .arity = -4, .flags = "readonly blocking movablekeys", .keys = "RO access kw(STREAMS,1) r(-1,1,2)", .categories = "stream", .handler = &nothing},
    {.name = "georadius", .arity = -6, .flags = "write denyoom movablekeys", .keys = "RO access i1 r(0,1,0); OW update kw(STORE,6) opt(STORE=1,STOREDIST=1,COUNT=1) r(0,1,0); OW update kw(STOREDIST,6) opt(STOREDIST=1,STORE=1,COUNT=1) r(0,1,0)", .categories = "geo", .handler = &nothing},
    {.name = "config", .arity = -2, .flags = "", .keys = "", .categories = ""},
    {.name = "config|get", .arity = -3, .flags = "admin noscript loading stale", .keys = "", .categories = "", .handler = &nothing},
};

std::vector<uint32_t> keys(CommandTable const& table, std::vector<std::string_view> argv) {
  KeyPositions found;
  CommandTable::find_keys(*table.find(argv[0]), Args(argv), found);
  std::vector<uint32_t> at;
  for (auto position : found.positions) at.push_back(position.index);
  return at;
}

TEST(CommandTable, finds_names_in_any_case_and_subcommands_by_full_name) {
  CommandTable table({CommandRows(kCommandTableTestRows)});
  EXPECT_EQ(table.find("GeT")->full_name, "get");
  EXPECT_EQ(table.find("gets"), nullptr);
  EXPECT_EQ(table.find(""), nullptr);
  EXPECT_EQ(table.find_full("CONFIG|Get")->full_name, "config|get");
  EXPECT_EQ(table.find_full("config|nothing"), nullptr);
  EXPECT_EQ(table.top_level().size(), 7u);
}

TEST(CommandTable, derives_the_numbers_of_command_info) {
  CommandTable table({CommandRows(kCommandTableTestRows)});
  auto range = [&](std::string_view name) {
    Command const* c = table.find(name);
    return std::vector<int>{c->first_key, c->last_key, c->key_step};
  };
  EXPECT_EQ(range("get"), (std::vector<int>{1, 1, 1}));
  EXPECT_EQ(range("mset"), (std::vector<int>{1, -1, 2}));
  EXPECT_EQ(range("copy"), (std::vector<int>{1, 2, 1}));
  EXPECT_EQ(range("zdiffstore"), (std::vector<int>{1, 1, 1}));
  EXPECT_FALSE(table.find("zdiffstore")->simple_keys);
  EXPECT_TRUE(table.find("copy")->simple_keys);
  EXPECT_EQ(table.find("mset")->categories, (std::vector<std::string>{"write", "string", "slow"}));
  EXPECT_EQ(table.find_full("config|get")->categories, (std::vector<std::string>{"admin", "slow", "dangerous"}));
}

TEST(CommandTable, finds_keys_by_every_kind_of_spec) {
  CommandTable table({CommandRows(kCommandTableTestRows)});
  EXPECT_EQ(keys(table, {"get", "k"}), (std::vector<uint32_t>{1}));
  EXPECT_EQ(keys(table, {"mset", "a", "1", "b", "2"}), (std::vector<uint32_t>{1, 3}));
  EXPECT_EQ(keys(table, {"zdiffstore", "d", "2", "a", "b", "x"}), (std::vector<uint32_t>{1, 3, 4}));
  EXPECT_EQ(keys(table, {"xread", "COUNT", "2", "streams", "a", "b", "0", "0"}), (std::vector<uint32_t>{4, 5}));
  EXPECT_EQ(keys(table, {"zdiffstore", "d", "9", "a"}), (std::vector<uint32_t>{1}));
}

TEST(CommandTable, finds_the_key_that_is_written_when_an_option_is_given_twice_or_named_as_a_key) {
  CommandTable table({CommandRows(kCommandTableTestRows)});
  using Places = std::vector<uint32_t>;
  EXPECT_EQ(keys(table, {"georadius", "k", "1", "1", "1", "m", "STORE", "a", "ASC"}), (Places{1, 7}));
  EXPECT_EQ(keys(table, {"georadius", "k", "1", "1", "1", "m", "STORE", "a", "STORE", "b"}), (Places{1, 9}));
  EXPECT_EQ(keys(table, {"georadius", "k", "1", "1", "1", "m", "STORE", "store", "ASC"}), (Places{1, 7}));
  EXPECT_EQ(keys(table, {"georadius", "k", "1", "1", "1", "m", "STOREDIST", "STORE", "ASC"}), (Places{1, 7}));
  EXPECT_EQ(keys(table, {"georadius", "k", "1", "1", "1", "m", "STORE", "a", "storedist", "b"}), (Places{1, 7, 9}));
  EXPECT_EQ(keys(table, {"georadius", "k", "1", "1", "1", "m", "COUNT", "STORE", "STORE", "b"}), (Places{1, 9}));
  EXPECT_EQ(keys(table, {"georadius", "k", "1", "1", "1", "m", "STORE"}), (Places{1}));
}

TEST(CommandTable, rename_hides_the_old_name_and_keeps_the_full_name) {
  CommandTable table({CommandRows(kCommandTableTestRows)});
  EXPECT_EQ(table.rename("GET", "fetch"), CommandTable::Renamed::kOk);
  EXPECT_EQ(table.find("get"), nullptr);
  EXPECT_EQ(table.find("FETCH")->full_name, "get");
  EXPECT_EQ(table.rename("copy", ""), CommandTable::Renamed::kOk);
  EXPECT_EQ(table.find("copy"), nullptr);
  EXPECT_EQ(table.rename("copy", "x"), CommandTable::Renamed::kNoSuchCommand);
  EXPECT_EQ(table.rename("mset", "fetch"), CommandTable::Renamed::kTargetExists);
}

}  // namespace
}  // namespace holdfast
