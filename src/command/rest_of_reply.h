#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "command/task.h"

namespace holdfast {

/// Writes a long reply while other clients go on.
class RestOfReply final : public Task {
 public:
  explicit RestOfReply(std::unique_ptr<ReplySource> source) : source_(std::move(source)) {}

  Progress step(TaskSlice& slice) override {
    constexpr size_t kElementsAtOnce = 512;
    if (slice.reply().buffer().size() >= kUnsentBytesMax) return Progress::kWait;
    do {
      if (!source_->write(slice.reply(), kElementsAtOnce)) return Progress::kDone;
    } while (!slice.expired());
    return slice.reply().buffer().size() < kUnsentBytesMax ? Progress::kAgain : Progress::kWait;
  }
  bool streams() const override { return true; }

 private:
  /// While so much is not sent yet, nothing more is written.
  static constexpr size_t kUnsentBytesMax = 1024 * 1024;
  std::unique_ptr<ReplySource> source_;
};

}  // namespace holdfast
