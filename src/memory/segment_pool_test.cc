#include "memory/segment_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "memory/huge_region.h"
#include "memory/test_blocks.h"

namespace holdfast {
namespace {

TEST(SegmentPool, blocks_of_all_sizes_are_aligned_keep_their_bytes_and_are_given_back) {
  SegmentPool pool;
  std::vector<TestBlock> live;
  std::mt19937 random(5);
  size_t live_bytes = 0;
  for (int step = 0; step < 60'000; step++) {
    // Growing and shrinking in turns, so that spans change their sizes and regions come and go.
    bool const grow = random() % 100 < (step / 10'000 % 2 == 0 ? 70u : 30u);
    if (live.empty() || grow) {
      size_t const bytes = (1 + random() % 64) * SegmentPool::kLineBytes;
      auto* at = static_cast<unsigned char*>(pool.allocate(bytes));
      ASSERT_EQ(reinterpret_cast<uintptr_t>(at) % SegmentPool::kLineBytes, 0u);
      live.push_back({at, bytes, static_cast<unsigned char>(random())});
      std::memset(at, live.back().fill, bytes);
      live_bytes += bytes;
    } else {
      size_t const victim = random() % live.size();
      expect_whole(live[victim]);
      pool.release(live[victim].at, live[victim].bytes);
      live_bytes -= live[victim].bytes;
      live[victim] = live.back();
      live.pop_back();
    }
    ASSERT_GE(pool.used_bytes(), live_bytes);
  }
  for (TestBlock const& block : live) {
    expect_whole(block);
    pool.release(block.at, block.bytes);
  }
  EXPECT_EQ(pool.used_bytes(), 0u);
  EXPECT_EQ(pool.mapped_bytes(), kRegionBytes);
}

TEST(SegmentPool, a_span_without_blocks_serves_another_size) {
  SegmentPool pool;
  std::vector<void*> blocks;
  for (int i = 0; i < 500; i++) blocks.push_back(pool.allocate(4096));
  size_t const mapped = pool.mapped_bytes();
  for (void* block : blocks) pool.release(block, 4096);
  blocks.clear();
  for (int i = 0; i < 900; i++) blocks.push_back(pool.allocate(2048));
  EXPECT_LE(pool.mapped_bytes(), mapped);
  for (void* block : blocks) pool.release(block, 2048);
}

TEST(SegmentPool, after_moves_and_trim_little_more_than_the_blocks_is_kept) {
  SegmentPool pool;
  std::mt19937 random(6);
  std::vector<TestBlock> live;
  size_t live_bytes = 0;
  for (int i = 0; i < 30'000; i++) {
    size_t const bytes = (4 + random() % 6) * SegmentPool::kLineBytes;
    auto* at = static_cast<unsigned char*>(pool.allocate(bytes));
    std::memset(at, i, bytes);
    live.push_back({at, bytes, static_cast<unsigned char>(i)});
  }
  std::shuffle(live.begin(), live.end(), random);
  for (size_t i = 3000; i < live.size(); i++) pool.release(live[i].at, live[i].bytes);
  live.resize(3000);
  pool.begin_pass();
  for (TestBlock& block : live) {
    live_bytes += block.bytes;
    void* const better = pool.denser_place(block.at, block.bytes);
    if (!better) continue;
    std::memcpy(better, block.at, block.bytes);
    pool.release(block.at, block.bytes);
    block.at = static_cast<unsigned char*>(better);
  }
  pool.trim();
  EXPECT_EQ(pool.block_bytes(), live_bytes);
  EXPECT_EQ(pool.kept_bytes(), 0u);
  EXPECT_LT(pool.used_bytes(), live_bytes * 5 / 4);
  for (int i = 0; i < 3000; i++) {  // spans without memory serve again
    auto* at = static_cast<unsigned char*>(pool.allocate(512));
    std::memset(at, 7, 512);
    live.push_back({at, 512, 7});
  }
  for (TestBlock const& block : live) {
    expect_whole(block);
    pool.release(block.at, block.bytes);
  }
  EXPECT_EQ(pool.used_bytes(), 0u);
}

}  // namespace
}  // namespace holdfast
