#pragma once

#include <gtest/gtest.h>

#include <cstddef>

namespace holdfast {

/// A block as the model of a test knows it.
struct TestBlock {
  unsigned char* at;
  size_t bytes;
  unsigned char fill;
};

inline void expect_whole(TestBlock const& block) {
  for (size_t i = 0; i < block.bytes; i++) ASSERT_EQ(block.at[i], block.fill);
}

}  // namespace holdfast
