#include "base/json_writer.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

TEST(JsonWriter, PutsCommasAndQuotesWhereTheyBelong) {
  JsonWriter json;
  json.open_object();
  json.text("a", "x\"\\\n");
  json.open_array("b");
  json.number({}, 1);
  json.number({}, 2);
  json.close_array();
  json.open_object("c");
  json.close_object();
  json.boolean("d", true);
  json.null("e");
  json.signed_number("f", -1);
  json.close_object();
  EXPECT_EQ(json.document(), R"({"a":"x\"\\\u000a","b":[1,2],"c":{},"d":true,"e":null,"f":-1})");
}

TEST(JsonWriter, DecimalsHaveThreePlaces) {
  JsonWriter json;
  json.open_array({});
  json.decimal({}, 0.5);
  json.decimal({}, 12.3456);
  json.close_array();
  EXPECT_EQ(json.document(), "[0.500,12.346]");
}

}  // namespace
}  // namespace holdfast
