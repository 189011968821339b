#include "memory/slab.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "memory/huge_region.h"
#include "memory/page_pool.h"
#include "memory/segment_pool.h"
#include "memory/test_blocks.h"

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

void move_if_better(Slab& slab, TestBlock& block, bool always) {
  void* const better = slab.denser_place(block.at, block.bytes, always);
  if (!better) return;
  std::memcpy(better, block.at, block.bytes);
  slab.release(block.at, block.bytes);
  block.at = static_cast<unsigned char*>(better);
}

TEST(Slab, after_a_pass_of_moves_blocks_stand_close) {
  PagePool pool;
  Slab slab(pool);
  std::mt19937 random(11);
  for (unsigned survivors : {1u, 10u, 50u, 80u}) {
    std::vector<TestBlock> live;
    for (int i = 0; i < 40'000; i++) {
      size_t const bytes = 90 + random() % 40;
      auto* at = static_cast<unsigned char*>(slab.allocate(bytes));
      std::memset(at, i, bytes);
      if (random() % 100 < survivors) live.push_back({at, bytes, static_cast<unsigned char>(i)});
      else slab.release(at, bytes);  // so that some room is used again
    }
    std::shuffle(live.begin(), live.end(), random);
    size_t const going = live.size() / 10 * 9;
    for (size_t i = 0; i < going; i++) slab.release(live[i].at, live[i].bytes);
    live.erase(live.begin(), live.begin() + static_cast<ptrdiff_t>(going));
    size_t const bytes_before = slab.allocated_bytes();
    std::shuffle(live.begin(), live.end(), random);
    slab.begin_pass();
    for (TestBlock& block : live) move_if_better(slab, block, false);
    EXPECT_EQ(slab.allocated_bytes(), bytes_before);
    for (TestBlock const& block : live) expect_whole(block);
    // At most a page of each of the six classes is not full, or an eighth of a page.
    EXPECT_LE(slab.page_count(), bytes_before * 8 / 7 / (kPageBytes - 150) + 6);
    EXPECT_LE(slab.sparse_bytes(), bytes_before / 7 + kPageBytes);
    for (TestBlock const& block : live) slab.release(block.at, block.bytes);
    EXPECT_EQ(slab.page_count(), 0u);
    EXPECT_EQ(slab.sparse_bytes(), 0u);
  }
}

TEST(Slab, a_million_random_allocations_releases_and_moves_agree_with_a_model) {
  PagePool pool;
  Slab slab(pool);
  std::vector<TestBlock> live;
  std::mt19937 random(12);
  for (int step = 0; step < 1'000'000; step++) {
    bool const grow = random() % 100 < (step / 100'000 % 2 == 0 ? 60u : 40u);
    if (unsigned const kind = random() % 4; kind == 0 && !live.empty()) {
      move_if_better(slab, live[random() % live.size()], random() % 8 == 0);
      if (random() % 1000 == 0) slab.begin_pass();
      if (random() % 5000 == 0) pool.trim();
    } else if (live.empty() || grow) {
      size_t const bytes = 6 + random() % (kSlabBytesMax - 5);
      auto* at = static_cast<unsigned char*>(slab.allocate(bytes));
      live.push_back({at, bytes, static_cast<unsigned char>(random())});
      std::memset(at, live.back().fill, bytes);
    } else {
      size_t const victim = random() % live.size();
      expect_whole(live[victim]);
      slab.release(live[victim].at, live[victim].bytes);
      live[victim] = live.back();
      live.pop_back();
    }
  }
  size_t bytes = 0;
  for (TestBlock const& block : live) {
    expect_whole(block);
    bytes += Slab::class_bytes(block.bytes);
  }
  EXPECT_EQ(slab.allocated_bytes(), bytes);
}

TEST(PagePool, a_region_without_pages_in_memory_is_unmapped_and_trimmed_pages_serve_again) {
  PagePool pool;
  std::vector<void*> pages;
  for (int i = 0; i < 3000; i++) {
    pages.push_back(pool.allocate());
    std::memset(pages.back(), 1, kPageBytes);
  }
  size_t const mapped = pool.mapped_bytes();
  std::shuffle(pages.begin(), pages.end(), std::mt19937(1));
  for (void* page : pages) pool.release(page);
  pages.clear();
  EXPECT_GT(pool.kept_bytes(), 0u);
  pool.trim();
  EXPECT_EQ(pool.kept_bytes(), 0u);
  EXPECT_LE(pool.mapped_bytes(), kRegionBytes);  // the newest has pages that were never used
  for (int i = 0; i < 3000; i++) {
    pages.push_back(pool.allocate());
    std::memset(pages.back(), 2, kPageBytes);
  }
  EXPECT_LE(pool.mapped_bytes(), mapped);
  std::sort(pages.begin(), pages.end());
  EXPECT_EQ(std::adjacent_find(pages.begin(), pages.end()), pages.end());
  for (void* page : pages) pool.release(page);
  EXPECT_EQ(pool.used_bytes(), 0u);
}

/// Bytes of the region around `at` that are in memory.
size_t resident_bytes_around(void const* at) {
  size_t const page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages(kRegionBytes / page);
  auto const base = reinterpret_cast<uintptr_t>(at) & ~(kRegionBytes - 1);
  EXPECT_EQ(mincore(reinterpret_cast<void*>(base), kRegionBytes, pages.data()), 0);
  return page * static_cast<size_t>(std::ranges::count_if(pages, [](unsigned char state) { return state & 1; }));
}

TEST(PagePool, a_few_pages_do_not_bring_a_whole_region_into_memory) {
  PagePool pages;
  SegmentPool segments;
  void* page = pages.allocate();
  void* block = segments.allocate(SegmentPool::kLineBytes);
  std::memset(page, 1, kPageBytes);
  std::memset(block, 1, SegmentPool::kLineBytes);
  EXPECT_LE(resident_bytes_around(page), 4 * kPageBytes);
  EXPECT_LE(resident_bytes_around(block), 4 * SegmentPool::kSpanBytes);
  segments.release(block, SegmentPool::kLineBytes);
  pages.release(page);
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
