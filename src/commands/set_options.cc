#include "commands/set_options.h"

#include "command/errors.h"

namespace holdfast {
namespace {

struct ExpiryWord {
  std::string_view word;
  TimeForm form;
};

constexpr ExpiryWord kExpiryWords[] = {
    {"EX", {TimeUnit::kSeconds, false}},
    {"PX", {TimeUnit::kMilliseconds, false}},
    {"EXAT", {TimeUnit::kSeconds, true}},
    {"PXAT", {TimeUnit::kMilliseconds, true}},
};

ExpiryWord const* expiry_word(Args args, size_t at) {
  for (ExpiryWord const& each : kExpiryWords) {
    if (args.is(at, each.word)) return &each;
  }
  return nullptr;
}

bool same(TimeForm a, TimeForm b) { return a.unit == b.unit && a.absolute == b.absolute; }

}  // namespace

std::optional<SetOptions> SetOptions::parse(Args args, size_t from, Of command, Reply& reply) {
  SetOptions options;
  bool set = command == Of::kSet;
  for (size_t i = from; i < args.size(); i++) {
    if (set && args.is(i, "NX") && !options.xx) {
      options.nx = true;
    } else if (set && args.is(i, "XX") && !options.nx) {
      options.xx = true;
    } else if (set && args.is(i, "GET")) {
      options.get = true;
    } else if (set && args.is(i, "KEEPTTL") && !options.expiry) {
      options.keep_ttl = true;
    } else if (!set && args.is(i, "PERSIST") && !options.expiry) {
      options.persist = true;
    } else if (ExpiryWord const* word = expiry_word(args, i);
               word && i + 1 < args.size() && !options.keep_ttl && !options.persist &&
               (!options.expiry || same(options.expiry->form, word->form))) {
      options.expiry = {word->form, args[++i]};
    } else {
      reply.error(errors::kSyntax);
      return std::nullopt;
    }
  }
  return options;
}

}  // namespace holdfast
