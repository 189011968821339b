#include <optional>

#include "command/session.h"
#include "command/task.h"
#include "commands/stream_help.h"
#include "rdb/byte_reader.h"
#include "rdb/dump_payload.h"
#include "rdb/format.h"
#include "scripting/function_command.h"
#include "scripting/scripting.h"
#include "scripting/shebang.h"

namespace holdfast::scripting {
namespace {

/// Replaces the libraries in a global transaction, so that the change has its place among all writes and in every snapshot.
class LibraryChange : public Task {
 public:
  LibraryChange(Session& session, Args args)
      : registry_(session.services().scripting->functions()), command_(args.span().begin(), args.span().end()) {}

  Progress step(TaskSlice& slice) final {
    bool const locked = slice.with_all_partitions([&](Txn& txn) { change(txn, slice.reply()); });
    return locked ? Progress::kDone : Progress::kAgain;
  }

 protected:
  using Set = Result<std::shared_ptr<LibrarySet const>>;
  /// What the libraries become. Fails with the text of the error reply.
  virtual Set changed(LibrarySet const& present) = 0;
  virtual void reply_success(Reply& reply) { reply.ok(); }

 private:
  void change(Txn& txn, Reply& reply) {
    Set set = changed(*registry_.current());
    if (!set) return reply.error(set.error().message);
    registry_.publish(*std::move(set));
    txn.mark_dirty();
    std::vector<std::string_view> const command(command_.begin(), command_.end());
    txn.effect(command);
    reply_success(reply);
  }

  FunctionRegistry& registry_;
  std::vector<std::string> command_;
};

using Libraries = std::vector<std::shared_ptr<Library const>>;

class LoadLibrary final : public LibraryChange {
 public:
  LoadLibrary(Session& session, Args args, std::shared_ptr<Library const> library, bool replace)
      : LibraryChange(session, args), library_(std::move(library)), replace_(replace) {}

 private:
  Set changed(LibrarySet const& present) override {
    if (!replace_ && present.libraries().contains(library_->name)) {
      return fail("Library '" + library_->name + "' already exists");
    }
    return present.with({library_}, true);
  }
  void reply_success(Reply& reply) override { reply.bulk(library_->name); }

  std::shared_ptr<Library const> library_;
  bool replace_;
};

std::unique_ptr<Task> cmd_function_load(Session& session, Args args, Reply& reply) {
  bool replace = false;
  size_t const source = args.size() - 1;
  for (size_t i = 2; i < source; i++) {
    if (!args.is(i, "REPLACE")) {
      reply.error("Unknown option given: " + std::string(args[i]));
      return nullptr;
    }
    replace = true;
  }
  FunctionRegistry const& registry = session.services().scripting->functions();
  // A name that is taken is refused before the code is looked at.
  Result<LibraryHeader> header = parse_library_header(args[source]);
  if (header && !replace && registry.current()->libraries().contains(header->name)) {
    reply.error("Library '" + header->name + "' already exists");
    return nullptr;
  }
  Result<std::shared_ptr<Library const>> library = registry.examine(args[source]);
  if (!library) {
    reply.error(library.error().message);
    return nullptr;
  }
  return std::make_unique<LoadLibrary>(session, args, *std::move(library), replace);
}

class DeleteLibrary final : public LibraryChange {
 public:
  DeleteLibrary(Session& session, Args args) : LibraryChange(session, args), name_(args[2]) {}

 private:
  Set changed(LibrarySet const& present) override {
    if (!present.libraries().contains(name_)) return fail("Library not found");
    return present.without(name_);
  }
  std::string name_;
};

std::unique_ptr<Task> cmd_function_delete(Session& session, Args args, Reply&) {
  return std::make_unique<DeleteLibrary>(session, args);
}

class FlushLibraries final : public LibraryChange {
 public:
  using LibraryChange::LibraryChange;

 private:
  Set changed(LibrarySet const&) override { return std::make_shared<LibrarySet const>(); }
};

std::unique_ptr<Task> cmd_function_flush(Session& session, Args args, Reply& reply) {
  if (args.size() > 3) {
    reply_unknown_stream_option(args, reply);
    return nullptr;
  }
  if (args.size() == 3 && !args.is(2, "SYNC") && !args.is(2, "ASYNC")) {
    reply.error("FUNCTION FLUSH only supports SYNC|ASYNC option");
    return nullptr;
  }
  return std::make_unique<FlushLibraries>(session, args);
}

enum class RestorePolicy : uint8_t { kAppend, kReplace, kFlush };

class RestoreLibraries final : public LibraryChange {
 public:
  RestoreLibraries(Session& session, Args args, Libraries libraries, RestorePolicy policy)
      : LibraryChange(session, args), libraries_(std::move(libraries)), policy_(policy) {}

 private:
  Set changed(LibrarySet const& present) override {
    if (policy_ == RestorePolicy::kFlush) return LibrarySet().with(libraries_, false);
    return present.with(libraries_, policy_ == RestorePolicy::kReplace);
  }
  Libraries libraries_;
  RestorePolicy policy_;
};

std::optional<RestorePolicy> restore_policy(Args args) {
  if (args.size() == 3 || args.is(3, "APPEND")) return RestorePolicy::kAppend;
  if (args.is(3, "REPLACE")) return RestorePolicy::kReplace;
  if (args.is(3, "FLUSH")) return RestorePolicy::kFlush;
  return std::nullopt;
}

Result<Libraries> read_payload(FunctionRegistry const& registry, std::string_view payload) {
  Result<std::string_view> content = verify_dump_payload(payload);
  if (!content) return std::unexpected(content.error());
  Libraries libraries;
  ByteReader reader(*content);
  std::string scratch;
  while (!reader.at_end()) {
    if (reader.byte() != static_cast<uint8_t>(RdbOpcode::kFunction2)) return fail("given type is not a function");
    std::string_view const source = reader.string(scratch);
    if (!reader.ok()) return fail("failed loading the given functions payload");
    Result<std::shared_ptr<Library const>> library = registry.examine(source);
    if (!library) return std::unexpected(library.error());
    libraries.push_back(*std::move(library));
  }
  return libraries;
}

std::unique_ptr<Task> cmd_function_restore(Session& session, Args args, Reply& reply) {
  if (args.size() > 4) {
    reply_unknown_stream_option(args, reply);
    return nullptr;
  }
  std::optional<RestorePolicy> const policy = restore_policy(args);
  if (!policy) {
    reply.error("Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.");
    return nullptr;
  }
  Result<Libraries> libraries = read_payload(session.services().scripting->functions(), args[2]);
  if (!libraries) {
    reply.error(libraries.error().message);
    return nullptr;
  }
  return std::make_unique<RestoreLibraries>(session, args, *std::move(libraries), *policy);
}

constexpr std::string_view kTips = "request_policy:all_shards;response_policy:all_succeeded";

constexpr CommandRow kFunctionChangeRows[] = {
    {.name = "function|load", .arity = -3, .flags = "write denyoom noscript", .keys = "", .categories = "scripting",
     .tips = kTips, .group = "scripting", .since = "7.0.0", .complexity = "O(1), apart from compiling the code.",
     .summary = "Creates a library of functions from its code.", .syntax = "[REPLACE] function-code:string",
     .handler = &cmd_function_load},
    {.name = "function|delete", .arity = 3, .flags = "write noscript", .keys = "", .categories = "scripting",
     .tips = kTips, .group = "scripting", .since = "7.0.0", .complexity = "O(1)",
     .summary = "Deletes a library with its functions.", .syntax = "library-name:string", .handler = &cmd_function_delete},
    {.name = "function|flush", .arity = -2, .flags = "write noscript", .keys = "", .categories = "scripting",
     .tips = kTips, .group = "scripting", .since = "7.0.0", .complexity = "O(N) with N the number of functions.",
     .summary = "Deletes all libraries.", .syntax = "[async:oneof(ASYNC|SYNC)]", .handler = &cmd_function_flush},
    {.name = "function|restore", .arity = -3, .flags = "write denyoom noscript", .keys = "", .categories = "scripting",
     .tips = kTips, .group = "scripting", .since = "7.0.0", .complexity = "O(N) with N the number of functions.",
     .summary = "Creates the libraries of a payload of FUNCTION DUMP.",
     .syntax = "serialized-value:string [policy:oneof(FLUSH|APPEND|REPLACE)]", .handler = &cmd_function_restore},
};

}  // namespace

CommandRows function_change_commands() { return kFunctionChangeRows; }

}  // namespace holdfast::scripting
