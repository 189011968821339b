#include "structures/touched_places.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace holdfast {
namespace {

constexpr size_t kMiB = 1024 * 1024;
using Ref = TouchedRef<int>;

struct Watched : CopyBudget {
  Watched() {
    set_limit(8 * kMiB);
    on_relief([this] { reliefs++; });
  }
  int reliefs = 0;
};

TEST(TouchedPlaces, WritersAreHeldFromTheLimitOnUntilSomeMegabytesAreWritten) {
  Watched budget;
  Ref reader = Ref::reader(budget);
  Ref writer = reader.writer();
  reader.places().begin();
  for (int i = 0; i < 8; i++) writer.note(i, kMiB);
  EXPECT_FALSE(budget.exceeded());
  writer.note(8, 1);
  EXPECT_TRUE(budget.exceeded());
  EXPECT_EQ(reader.places().next(), 8) << "the last comes first";
  EXPECT_EQ(reader.places().next(), 7);
  EXPECT_EQ(reader.places().next(), 6);
  EXPECT_TRUE(budget.exceeded());
  EXPECT_EQ(budget.bytes(), 7 * kMiB);
  EXPECT_EQ(budget.reliefs, 0);
  EXPECT_EQ(reader.places().next(), 5);
  EXPECT_FALSE(budget.exceeded());
  EXPECT_EQ(budget.reliefs, 1);
}

TEST(TouchedPlaces, AValueThatWaitsHoldsNobodyAndMayKeepItsCopies) {
  Watched budget;
  Ref reader = Ref::reader(budget);
  Ref writer = reader.writer();
  for (int i = 0; i < 20; i++) writer.note(i, kMiB);
  EXPECT_EQ(budget.bytes(), 0u);
  EXPECT_FALSE(budget.exceeded());
  reader.places().begin();
  EXPECT_EQ(budget.bytes(), 20 * kMiB);
  EXPECT_FALSE(budget.exceeded());
  writer.note(20, 1);
  EXPECT_TRUE(budget.exceeded());
  for (int i = 0; i < 4; i++) EXPECT_TRUE(reader.places().next());
  EXPECT_FALSE(budget.exceeded());
}

TEST(TouchedPlaces, TheEndOfTheReaderReleasesEverybody) {
  Watched budget;
  Ref writer;
  {
    Ref reader = Ref::reader(budget);
    writer = reader.writer();
    reader.places().begin();
    writer.note(1, 100 * kMiB);
    EXPECT_TRUE(reader.places().next());  // given up in the middle of it
    EXPECT_TRUE(budget.exceeded());
    Ref moved = std::move(reader);
    EXPECT_TRUE(budget.exceeded());
  }
  EXPECT_FALSE(budget.exceeded());
  EXPECT_EQ(budget.bytes(), 0u);
  EXPECT_EQ(budget.reliefs, 1);
  EXPECT_TRUE(writer);
  writer.note(2, 100 * kMiB);
  EXPECT_FALSE(writer) << "it has learned that nobody wants to know";
  EXPECT_EQ(budget.bytes(), 0u);
}

TEST(TouchedPlaces, NothingIsLostBetweenThreads) {
  constexpr int kWriters = 3;
  constexpr int kNotes = 5'000;
  CopyBudget budget;
  budget.set_limit(10'000);
  std::atomic<int> reliefs{0};
  budget.on_relief([&] { reliefs++; });
  Ref reader = Ref::reader(budget);
  std::vector<std::thread> writers;
  std::atomic<int> running{kWriters};
  for (int i = 0; i < kWriters; i++) {
    writers.emplace_back([&, ref = reader.writer(), i]() mutable {
      for (int n = 0; n < kNotes; n++) {
        while (budget.exceeded()) std::this_thread::yield();
        ref.note(i * kNotes + n, 100);
      }
      running--;
    });
  }
  reader.places().begin();
  std::vector<int> seen(kWriters * kNotes);
  while (true) {
    bool const last = running == 0;
    while (auto const place = reader.places().next()) seen[static_cast<size_t>(*place)]++;
    if (last) break;
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(seen, std::vector<int>(kWriters * kNotes, 1));
  EXPECT_EQ(budget.bytes(), 0u);
  EXPECT_FALSE(budget.exceeded());
}

}  // namespace
}  // namespace holdfast
