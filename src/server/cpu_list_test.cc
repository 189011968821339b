#include "server/cpu_list.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

namespace holdfast {
namespace {

using Cpus = std::vector<int>;

TEST(CpuListTest, takes_numbers_ranges_and_steps) {
  EXPECT_EQ(parse_cpu_list("3"), (Cpus{3}));
  EXPECT_EQ(parse_cpu_list("0,2, 3"), (Cpus{0, 2, 3}));
  EXPECT_EQ(parse_cpu_list("4-6,1"), (Cpus{4, 5, 6, 1}));
  EXPECT_EQ(parse_cpu_list("1-8:3"), (Cpus{1, 4, 7}));
  EXPECT_EQ(parse_cpu_list("6-4"), (Cpus{4, 5, 6}));
}

TEST(CpuListTest, anything_else_is_no_list) {
  for (char const* text : {"", "x", "1,", "1-", "-1", "1-3:0", "1;2", "99999"}) EXPECT_TRUE(parse_cpu_list(text).empty()) << text;
}

TEST(CpuListTest, binds_the_calling_thread) {
  cpu_set_t allowed;
  ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  int first = 0;
  while (!CPU_ISSET(static_cast<size_t>(first), &allowed)) first++;
  std::thread([first] {
    run_on_cpus(std::to_string(first));
    cpu_set_t set;
    ASSERT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
    EXPECT_EQ(CPU_COUNT(&set), 1);
    EXPECT_TRUE(CPU_ISSET(static_cast<size_t>(first), &set));
    run_on_cpus("no list");
    ASSERT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
    EXPECT_EQ(CPU_COUNT(&set), 1);
  }).join();
}

}  // namespace
}  // namespace holdfast
