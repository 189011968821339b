#include "memory/slab.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>

namespace holdfast {
namespace {

TEST(Slab, random_blocks_keep_their_bytes_and_the_count_is_exact) {
  PagePool pool;
  {
    Slab slab(pool);
    struct Block { void* at; size_t bytes; unsigned char fill; };
    std::vector<Block> live;
    std::mt19937 random(7);
    size_t small_bytes = 0;
    for (int step = 0; step < 200'000; step++) {
      if (live.empty() || random() % 100 < 55) {
        size_t bytes = 2 + random() % (random() % 50 == 0 ? 3000 : 400);
        auto fill = static_cast<unsigned char>(random());
        void* at = slab.allocate(bytes);
        ASSERT_EQ(reinterpret_cast<uintptr_t>(at) % 8, 0u);
        std::memset(at, fill, bytes);
        live.push_back({at, bytes, fill});
        if (bytes <= kSlabBytesMax) small_bytes += Slab::class_bytes(bytes);
      } else {
        size_t victim = random() % live.size();
        Block block = live[victim];
        for (size_t i = 0; i < block.bytes; i++) ASSERT_EQ(static_cast<unsigned char*>(block.at)[i], block.fill);
        slab.release(block.at, block.bytes);
        if (block.bytes <= kSlabBytesMax) small_bytes -= Slab::class_bytes(block.bytes);
        live[victim] = live.back();
        live.pop_back();
      }
    }
    EXPECT_GE(slab.allocated_bytes(), small_bytes);
    EXPECT_EQ(slab.page_count() * kPageBytes, pool.used_bytes());
    for (Block const& block : live) slab.release(block.at, block.bytes);
    EXPECT_EQ(slab.allocated_bytes(), 0u);
    EXPECT_EQ(slab.large_blocks(), 0u);
    EXPECT_EQ(slab.page_count(), 0u);
  }
  EXPECT_EQ(pool.used_bytes(), 0u);
}

TEST(Slab, dropping_a_slab_gives_all_its_pages_back) {
  PagePool pool;
  {
    Slab slab(pool);
    for (int i = 0; i < 10'000; i++) slab.allocate(56);
    EXPECT_GT(pool.used_bytes(), 10'000u * 56);
    EXPECT_LT(pool.used_bytes(), 10'000u * 58);
  }
  EXPECT_EQ(pool.used_bytes(), 0u);
}

}  // namespace
}  // namespace holdfast
