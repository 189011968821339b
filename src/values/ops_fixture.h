#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/hash.h"
#include "values/type_ops.h"

namespace holdfast {

/// Writes values of one type to payloads and reads them again.
class OpsTest : public testing::Test {
 protected:
  explicit OpsTest(TypeOps const& ops) : ops_(ops) {}

  std::string written(ValueView const& value) const {
    std::string payload;
    RdbWriter writer(payload);
    EXPECT_TRUE(ops_.write_rdb(value, writer, {}));
    return payload;
  }

  /// Nothing on damage too; `sound`: there was none, and nothing is left over.
  MaybeValue read(RdbType type, std::string_view payload, bool* sound = nullptr) const {
    ByteReader in(payload);
    MaybeValue value = ops_.read_rdb(type, in, context_);
    if (sound) *sound = in.ok() && in.at_end();
    return in.ok() ? std::move(value) : std::nullopt;
  }

  TypeOps const& ops_;
  KeyHasher hasher_{1};
  ValueLimits limits_;
  ValueContext context_{hasher_, limits_};
};

}  // namespace holdfast
