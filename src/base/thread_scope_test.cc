#include "base/thread_scope.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <thread>

namespace holdfast {
namespace {

std::string name_of_this_thread() {
  char name[32] = {};
  pthread_getname_np(pthread_self(), name, sizeof name);
  return name;
}

stack_t stack_of_handlers() {
  stack_t present{};
  EXPECT_EQ(sigaltstack(nullptr, &present), 0);
  return present;
}

TEST(ThreadScopeTest, names_the_thread_and_gives_its_handlers_a_stack_until_its_end) {
  std::thread([] {
    stack_t const before = stack_of_handlers();
    {
      ThreadScope const scope("a-name-that-is-too-long");
      EXPECT_EQ(name_of_this_thread(), "a-name-that-is-");
      stack_t const inside = stack_of_handlers();
      EXPECT_EQ(inside.ss_size, ThreadScope::kStackBytes);
      EXPECT_NE(inside.ss_sp, before.ss_sp);
      static_cast<char volatile*>(inside.ss_sp)[0] = 'x';
    }
    EXPECT_EQ(stack_of_handlers().ss_sp, before.ss_sp);
    EXPECT_EQ(stack_of_handlers().ss_flags, before.ss_flags);
  }).join();
}

TEST(ThreadScopeTest, without_a_name_the_thread_keeps_its_own) {
  std::string const before = name_of_this_thread();
  ThreadScope const scope(nullptr);
  EXPECT_EQ(name_of_this_thread(), before);
}

}  // namespace
}  // namespace holdfast
