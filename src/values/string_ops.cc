#include "values/string_ops.h"

#include "base/check.h"
#include "base/number.h"
#include "rdb/string_value.h"

namespace holdfast {
namespace {

class StringOps final : public TypeOps {
 public:
  std::string_view encoding_name(ValueView const& value) const override {
    switch (value.encoding) {
      case Encoding::kInt: return "int";
      case Encoding::kEmbstr: return "embstr";
      default: return "raw";
    }
  }

  uint64_t length(ValueView const& value) const override {
    return value.encoding == Encoding::kInt ? to_text(value.integer).size() : text(value).size();
  }

  RdbType rdb_type(ValueView const&) const override { return RdbType::kString; }

  bool write_rdb(ValueView const& value, RdbWriter& writer, PieceDone const&) const override {
    if (value.encoding == Encoding::kInt) {
      writer.integer(value.integer);
    } else {
      writer.string(text(value));
    }
    return true;
  }

  std::optional<DetachedValue> read_rdb(RdbType, ByteReader& in, ValueContext const&) const override {
    std::string scratch;
    RdbStringValue const value = read_string_value(in, scratch);
    return value.is_integer ? DetachedValue::of_integer(value.integer) : DetachedValue::of_text(value.text);
  }

  bool write_commands(std::string_view, ValueView const&, std::string&, PieceDone const&) const override {
    CHECK(!"strings are written by the record writer");
    return false;
  }

  void for_digest(ValueView const& value,
                  std::function<void(std::string_view, std::string_view)> const& visit) const override {
    value.encoding == Encoding::kInt ? visit(to_text(value.integer), {}) : visit(text(value), {});
  }

 private:
  static std::string_view text(ValueView const& value) {
    return value.encoding == Encoding::kShared ? value.shared->view() : value.bytes;
  }
};

}  // namespace

TypeOps const& string_ops() {
  static StringOps const kOps;
  return kOps;
}

}  // namespace holdfast
