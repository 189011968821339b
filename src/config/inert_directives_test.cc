#include "config/inert_directives.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::config {
namespace {

std::vector<std::string> names(std::string_view text) {
  Config config("/data");
  EXPECT_TRUE(config.load_text(text));
  std::vector<std::string> names;
  for (std::string const& line : inert_directives(config)) {
    size_t const end = line.find(" has no effect yet: ");
    EXPECT_NE(end, std::string::npos) << line;
    EXPECT_TRUE(line.ends_with(".")) << line;
    names.push_back(line.substr(0, end));
  }
  return names;
}

using Names = std::vector<std::string>;

TEST(InertDirectives, DefaultsAndWhatWorksAreFine) {
  EXPECT_EQ(names(""), Names{});
  EXPECT_EQ(names("requirepass secret\nappendonly yes\nmaxmemory 1gb\nlatency-monitor-threshold 5\n"), Names{});
  EXPECT_EQ(names("aclfile /etc/users.acl\n"), Names{});
  EXPECT_EQ(names("user alice on >p ~* +@read\n"), Names{});
  EXPECT_EQ(names("tls-port 6380\naclfile \"\"\nnotify-keyspace-events KEA\n"), Names{});
}

TEST(InertDirectives, WhatGuardsOrPromisesIsNamed) {
  EXPECT_EQ(names("replicaof 10.0.0.1 6379\nmin-replicas-to-write 1\n"), Names{});
  EXPECT_EQ(names("cluster-enabled yes\n"), Names{"cluster-enabled"});
  EXPECT_EQ(names("cluster-enabled yes\nlist-compress-depth 1\n"), (Names{"cluster-enabled", "list-compress-depth"}));
}

TEST(InertDirectives, HowAReplicaLoadsIsNotChosen) {
  EXPECT_EQ(names("repl-diskless-load disabled\n"), Names{});
  EXPECT_EQ(names("repl-diskless-load swapdb\n"), Names{"repl-diskless-load"});
  EXPECT_EQ(names("repl-diskless-load on-empty-db\n"), Names{"repl-diskless-load"});
}

TEST(InertDirectives, TheLimitsOfMemoryAreKept) {
  EXPECT_EQ(names("maxmemory 1gb\nmaxmemory-policy allkeys-lru\nmaxmemory-clients 1mb\n"), Names{});
}

}  // namespace
}  // namespace holdfast::config
