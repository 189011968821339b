#include "config/accident_warnings.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "config/test_directory.h"

namespace holdfast::config {
namespace {

constexpr MachineFacts kMachine = {.memory_bytes = 8ULL << 30, .usable_cpus = 2};

std::vector<std::string> warnings_of(std::string const& text) {
  Config config("/tmp");
  auto const done = config.load_text(text);
  EXPECT_TRUE(done) << done.error().message;
  return accident_warnings(config, kMachine);
}

// The quiet configuration that each case below adds to.
std::string const kQuiet = "dir /tmp\n";

TEST(AccidentWarnings, AQuietConfigurationHasNone) { EXPECT_EQ(warnings_of(kQuiet), std::vector<std::string>{}); }

TEST(AccidentWarnings, EachTrapIsNamed) {
  struct Case {
    std::string text;
    std::string start;
  };
  Case const cases[] = {
      {"", "dir is not set"},
      {"dir ./\n", "dir is a relative path"},
      {kQuiet + "save \"\"\n", "persistence is off"},
      {kQuiet + "appendonly yes\nappendfsync no\n", "appendfsync is no"},
      {kQuiet + "appendonly yes\nno-appendfsync-on-rewrite yes\n", "no-appendfsync-on-rewrite is yes"},
      {kQuiet + "stop-writes-on-bgsave-error no\n", "stop-writes-on-bgsave-error is no"},
      {kQuiet + "maxmemory 7500mb\n", "maxmemory (7.32G) leaves less than a tenth"},
      {kQuiet + "requirepass x\naclfile /x\n", "requirepass and aclfile are both set"},
      {kQuiet + "protected-mode no\n", "protected-mode is no"},
      {kQuiet + "enable-debug-command yes\n", "enable-debug-command is yes"},
      {kQuiet + "enable-protected-configs yes\n", "enable-protected-configs is yes"},
      {kQuiet + "replica-read-only no\n", "replica-read-only is no"},
  };
  for (Case const& one : cases) {
    auto const warnings = warnings_of(one.text);
    ASSERT_EQ(warnings.size(), 1U) << one.text;
    EXPECT_TRUE(warnings[0].starts_with(one.start)) << warnings[0];
  }
}

TEST(AccidentWarnings, AnEmptyPrimaryWithReplicasIsNamedBesidesMissingPersistence) {
  auto const warnings = warnings_of(kQuiet + "save \"\"\nmin-replicas-to-write 1\n");
  EXPECT_EQ(warnings.size(), 2U);
}

TEST(AccidentWarnings, SafeSettingsNearATrapAreQuiet) {
  for (char const* line : {"maxmemory 7gb\n", "protected-mode no\nbind 127.0.0.1 -::1\n",
                           "protected-mode no\nrequirepass x\n", "enable-debug-command local\n", "appendonly yes\n"}) {
    EXPECT_EQ(warnings_of(kQuiet + line), std::vector<std::string>{}) << line;
  }
}

TEST(MachineFacts, ThisMachineHasMemoryAndCpus) {
  MachineFacts const facts = read_machine_facts();
  EXPECT_GT(facts.memory_bytes, 1U << 20);
  EXPECT_GE(facts.usable_cpus, 1);
}

}  // namespace
}  // namespace holdfast::config
