#include "base/number.h"
#include "commands/field_expiry.h"
#include "commands/hash_access.h"
#include "commands/hashes.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

/// The words of HGETEX and HSETEX before FIELDS.
struct Options {
  bool fnx = false;      ///< only if none of the fields is there
  bool fxx = false;      ///< only if all of them are
  bool keep = false;     ///< KEEPTTL
  bool persist = false;  ///< PERSIST
  std::optional<TimeForm> form;
  std::string_view time;  ///< of `form`
  size_t fields_at = 0;   ///< where FIELDS stands

  bool tells_expiry() const { return keep || persist || form; }
};

enum class Getter : bool { kNo, kYes };

/// EX, PX, EXAT, PXAT; nothing for another word.
std::optional<TimeForm> time_form(Args args, size_t at) {
  if (args.is(at, "EX")) return TimeForm{TimeUnit::kSeconds, false};
  if (args.is(at, "PX")) return TimeForm{TimeUnit::kMilliseconds, false};
  if (args.is(at, "EXAT")) return TimeForm{TimeUnit::kSeconds, true};
  if (args.is(at, "PXAT")) return TimeForm{TimeUnit::kMilliseconds, true};
  return std::nullopt;
}

/// On failure replies why.
std::optional<Options> read_options(Args args, Getter getter, Reply& reply) {
  Options options;
  bool const gets = getter == Getter::kYes;
  for (options.fields_at = 2; options.fields_at < args.size(); options.fields_at++) {
    size_t const at = options.fields_at;
    if (args.is(at, "FIELDS")) return options;
    std::optional<TimeForm> const form = time_form(args, at);
    bool const lasting = args.is(at, gets ? "PERSIST" : "KEEPTTL");
    if (form || lasting) {
      if (options.tells_expiry()) {
        reply.errorf("Only one of EX, PX, EXAT, PXAT or %s arguments can be specified", gets ? "PERSIST" : "KEEPTTL");
        return std::nullopt;
      }
      (gets ? options.persist : options.keep) = lasting;
      options.form = form;
      if (!form) continue;
      if (at + 1 >= args.size()) break;
      options.time = args[++options.fields_at];
    } else if (!gets && (args.is(at, "FNX") || args.is(at, "FXX"))) {
      if (options.fnx || options.fxx) {
        reply.error("Only one of FXX or FNX arguments can be specified");
        return std::nullopt;
      }
      (args.is(at, "FNX") ? options.fnx : options.fxx) = true;
    } else {
      reply.error("unknown argument: " + std::string(args[at]));
      return std::nullopt;
    }
  }
  options.fields_at = args.size();  // read_fields says that they are missing
  return options;
}

void cmd_hgetex(Txn& txn, Args args, Reply& reply) {
  std::optional<Options> const options = read_options(args, Getter::kYes, reply);
  if (!options) return;
  std::optional<FieldList> const fields = read_fields(args, options->fields_at, 1, kFieldCountNotPositive, reply);
  if (!fields) return;
  std::optional<int64_t> expire_ms;
  if (options->form) {
    expire_ms = read_field_expiry(options->time, *options->form, txn.now_ms(), "hgetex", reply);
    if (!expire_ms) return;
  }
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kWrite, reply);
  if (!hash) return;
  hash->settle(args, fields->first);
  reply.array(fields->count);
  for (size_t i = fields->first; i < args.size(); i++) reply_value(reply, hash->field(args[i]));
  if (!hash->exists() || !options->tells_expiry()) return;

  bool const past = expire_ms && deletes_at_once(txn, *expire_ms);
  ValueEdit edit = hash->edit();
  HashEditor editor(edit, txn.keyspace().value_context());
  FieldEffects effects(txn, args[1]);
  for (size_t i = fields->first; i < args.size(); i++) {
    std::optional<HashValue> const value = HashReader(edit.view()).find(args[i]);
    if (!value || (options->persist && !value->expire_ms)) continue;
    if (past) {
      editor.erase(args[i]);
      effects.deleted(args[i]);
    } else {
      editor.set_expiry(args[i], expire_ms);
      expire_ms ? effects.expires(args[i]) : effects.persists(args[i]);
    }
  }
  std::string_view const event = past ? "hdel" : expire_ms ? "hexpire" : "hpersist";
  txn.finish_edit(args[1], edit, editor.empty(), effects.changes(), event);
  effects.log(expire_ms.value_or(0));
}

/// Whether FNX or FXX lets the fields be set.
bool condition_met(Options const& options, Hash const& hash, Args args, FieldList const& fields) {
  if (!options.fnx && !options.fxx) return true;
  for (size_t i = fields.first; i < args.size(); i += 2) {
    if (hash.field(args[i]).has_value() != options.fxx) return false;
  }
  return true;
}

void log_hsetex(Txn& txn, Args args, FieldList const& fields, int64_t expire_ms) {
  std::string const time = to_text(expire_ms);
  std::vector<std::string_view> effect = {"HSETEX", args[1], "PXAT", time};
  for (size_t i = fields.first - 2; i < args.size(); i++) effect.push_back(args[i]);
  txn.effect(effect);
}

void cmd_hsetex(Txn& txn, Args args, Reply& reply) {
  std::optional<Options> const options = read_options(args, Getter::kNo, reply);
  if (!options) return;
  std::optional<FieldList> const fields = read_fields(args, options->fields_at, 2, kFieldCountNotPositive, reply);
  if (!fields) return;
  std::optional<int64_t> expire_ms;
  if (options->form) {
    expire_ms = read_field_expiry(options->time, *options->form, txn.now_ms(), "hsetex", reply);
    if (!expire_ms) return;
  }
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kWrite, reply);
  if (!hash) return;
  hash->settle(args, fields->first, 2);
  if (!condition_met(*options, *hash, args, *fields)) return reply.integer(0);
  reply.integer(1);

  bool const past = expire_ms && deletes_at_once(txn, *expire_ms);
  ValueEdit edit = hash->edit();
  HashEditor editor(edit, txn.keyspace().value_context());
  FieldEffects effects(txn, args[1]);
  if (!past) editor.prepare(args.span().subspan(fields->first));
  for (size_t i = fields->first; i < args.size(); i += 2) {
    if (past) {
      if (editor.erase(args[i])) effects.deleted(args[i]);
      continue;
    }
    std::optional<int64_t> field_expire_ms = expire_ms;
    if (options->keep) {
      std::optional<HashValue> const value = HashReader(edit.view()).find(args[i]);
      if (value) field_expire_ms = value->expire_ms;
    }
    editor.set(args[i], args[i + 1], field_expire_ms);
  }
  txn.finish_edit(args[1], edit, editor.empty(), past ? effects.changes() : fields->count, past ? "hdel" : "hset");
  if (past) {
    effects.log(0);
  } else if (expire_ms) {
    txn.notify(config::kEventHash, "hexpire", args[1]);
    log_hsetex(txn, args, *fields, *expire_ms);
  }
}

void cmd_hgetdel(Txn& txn, Args args, Reply& reply) {
  std::optional<FieldList> const fields = read_fields(args, 2, 1, kFieldCountNotPositive, reply);
  if (!fields) return;
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kWrite, reply);
  if (!hash) return;
  hash->settle(args, fields->first);
  reply.array(fields->count);
  if (!hash->exists()) {
    for (size_t i = 0; i < fields->count; i++) reply.null();
    return;
  }
  ValueEdit edit = hash->edit();
  HashEditor editor(edit, txn.keyspace().value_context());
  FieldEffects effects(txn, args[1]);
  for (size_t i = fields->first; i < args.size(); i++) {
    reply_value(reply, HashReader(edit.view()).find(args[i]));
    if (editor.erase(args[i])) effects.deleted(args[i]);
  }
  txn.finish_edit(args[1], edit, editor.empty(), effects.changes(), "hdel");
  effects.log(0);
}

constexpr CommandRow kHashGetexRows[] = {
    {.name = "hgetex", .arity = -5, .flags = "write fast", .keys = "RW access update i1 r(0,1,0)",
     .categories = "hash", .tips = "", .group = "hash", .since = "8.0.0", .complexity = "O(N) for N fields",
     .summary = "Answers the values of fields, and sets or removes their expiry.",
     .syntax = "key:key [expiration:oneof(EX seconds:integer|PX milliseconds:integer|EXAT unix-time-seconds:unix-time|"
               "PXAT unix-time-milliseconds:unix-time|PERSIST)] FIELDS fields:block(numfields:integer field:string...)",
     .handler = &cmd_hgetex},
    {.name = "hsetex", .arity = -6, .flags = "write denyoom fast", .keys = "RW update i1 r(0,1,0)",
     .categories = "hash", .tips = "", .group = "hash", .since = "8.0.0", .complexity = "O(N) for N fields",
     .summary = "Sets fields of a hash together with their expiry.",
     .syntax = "key:key [condition:oneof(FNX|FXX)] [expiration:oneof(EX seconds:integer|PX milliseconds:integer|"
               "EXAT unix-time-seconds:unix-time|PXAT unix-time-milliseconds:unix-time|KEEPTTL)] "
               "FIELDS fields:block(numfields:integer data:block(field:string value:string)...)",
     .handler = &cmd_hsetex},
    {.name = "hgetdel", .arity = -5, .flags = "write fast", .keys = "RW access delete i1 r(0,1,0)",
     .categories = "hash", .tips = "", .group = "hash", .since = "8.0.0", .complexity = "O(N) for N fields",
     .summary = "Answers the values of fields and deletes them.",
     .syntax = "key:key FIELDS fields:block(numfields:integer field:string...)", .handler = &cmd_hgetdel},
};

}  // namespace

CommandRows hash_getex_commands() { return kHashGetexRows; }

}  // namespace holdfast
