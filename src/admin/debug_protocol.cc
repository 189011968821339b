#include "admin/debug_subcommands.h"
#include "base/strings.h"

namespace holdfast {
namespace {

void reply_push(Reply& reply) {
  if (!reply.resp3()) return reply.error("RESP2 is not supported by this command");
  reply.push(2);
  reply.bulk("server-cpu-usage");
  reply.integer(42);
  reply.bulk("Some real reply following the push reply");
}

void reply_attribute(Reply& reply) {
  if (reply.attribute(1)) {
    reply.bulk("key-popularity");
    reply.array(2);
    reply.bulk("key:123");
    reply.integer(90);
  }
  reply.bulk("Some real reply following the attribute");
}

void reply_numbers(Reply& reply) {
  for (int i = 0; i < 3; i++) reply.integer(i);
}

struct Sample {
  std::string_view name;
  void (*write)(Reply& reply);
};

constexpr Sample kSamples[] = {
    {"string", [](Reply& reply) { reply.bulk("Hello World"); }},
    {"integer", [](Reply& reply) { reply.integer(12345); }},
    {"double", [](Reply& reply) { reply.number(3.141); }},
    {"bignum", [](Reply& reply) { reply.big_number("1234567999999999999999999999999999999"); }},
    {"null", [](Reply& reply) { reply.null(); }},
    {"array",
     [](Reply& reply) {
       reply.array(3);
       reply_numbers(reply);
     }},
    {"set",
     [](Reply& reply) {
       reply.set(3);
       reply_numbers(reply);
     }},
    {"map",
     [](Reply& reply) {
       reply.map(3);
       for (int i = 0; i < 3; i++) {
         reply.integer(i);
         reply.boolean(i == 1);
       }
     }},
    {"attrib", reply_attribute},
    {"push", reply_push},
    {"verbatim", [](Reply& reply) { reply.verbatim("txt", "This is a verbatim\nstring"); }},
    {"true", [](Reply& reply) { reply.boolean(true); }},
    {"false", [](Reply& reply) { reply.boolean(false); }},
};

}  // namespace

std::unique_ptr<Task> debug_protocol(Session&, Args args, Reply& reply) {
  for (Sample const& sample : kSamples) {
    if (iequals(args[2], sample.name)) {
      sample.write(reply);
      return nullptr;
    }
  }
  reply.error("Wrong protocol type name. Please use one of the following: "
              "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
  return nullptr;
}

}  // namespace holdfast
