#include "log/stream_buffer.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "log/effect_buffer.h"
#include "log/reader.h"
#include "log/test_command.h"

namespace holdfast::log {
namespace {

using WakeFor = StreamBuffer::WakeFor;

uint64_t append(StreamBuffer& buffer, int db, std::string const& resp, uint32_t count = 1, int64_t now_s = 0) {
  Effect const effect{db, resp, count};
  return buffer.append_unit({&effect, 1}, now_s).end_offset;
}

/// Takes everything, batch by batch; "|" marks the end of a file.
std::string drain(StreamBuffer& buffer) {
  std::string text;
  Batch batch;
  while (buffer.take(batch, WakeFor::kNothing)) {
    size_t const before = text.size();
    for (Chunk const& chunk : batch.chunks) text += chunk.view();
    EXPECT_EQ(text.size() - before, batch.file_bytes);
    if (batch.ends_file) text += '|';
    buffer.give_back(std::move(batch));
    batch = {};
  }
  return text;
}

void open(StreamBuffer& buffer) {
  buffer.end_file(true);
  EXPECT_EQ(drain(buffer), "|");
}

TEST(StreamBuffer, SelectsTheDatabaseOnlyWhenItChanges) {
  StreamBuffer buffer(0);
  open(buffer);
  std::string const set = command({"set", "a", "1"});
  append(buffer, 0, set);
  append(buffer, 0, set);
  uint64_t const end = append(buffer, 12, set);
  std::string const expected = command({"SELECT", "0"}) + set + set + command({"SELECT", "12"}) + set;
  EXPECT_EQ(end, expected.size());
  EXPECT_EQ(buffer.pending_bytes(), expected.size());
  EXPECT_EQ(drain(buffer), expected);
  EXPECT_EQ(buffer.pending_bytes(), 0u);
}

TEST(StreamBuffer, WrapsSeveralCommandsWithSelectAfterMulti) {
  StreamBuffer buffer(100);
  open(buffer);
  std::string const set = command({"set", "a", "1"});
  uint64_t const end = append(buffer, 3, set + set, 2);
  EXPECT_EQ(end, 100 + buffer.pending_bytes());
  append(buffer, 3, set + set, 2);
  Effect const effects[] = {{3, set}, {5, set}, {5, set}, {3, set}};
  buffer.append_unit(effects, 0);
  append(buffer, 3, set);
  std::string const multi = command({"MULTI"}), exec = command({"EXEC"});
  EXPECT_EQ(drain(buffer), multi + command({"SELECT", "3"}) + set + set + exec +     // the first selects
                               multi + set + set + exec +                            // the second need not
                               multi + set + command({"SELECT", "5"}) + set + set +  // a change inside
                               command({"SELECT", "3"}) + set + exec + set);
}

TEST(StreamBuffer, AnnotatesASecondOnceBeforeSelectAndMulti) {
  StreamBuffer buffer(0);
  open(buffer);
  std::string const set = command({"set", "a", "1"});
  append(buffer, 0, set + set, 2, 1795230056);
  append(buffer, 0, set, 1, 1795230056);
  append(buffer, 0, set, 1, 1795230055);  // a clock that goes back writes nothing
  uint64_t const end = append(buffer, 1, set, 1, 1795230057);
  std::string const text = drain(buffer);
  EXPECT_EQ(text, "#TS:1795230056\r\n" + command({"MULTI"}) + command({"SELECT", "0"}) + set + set + command({"EXEC"}) +
                      set + set + "#TS:1795230057\r\n" + command({"SELECT", "1"}) + set);
  EXPECT_EQ(end, text.size() - 2 * std::string_view("#TS:1795230056\r\n").size());  // no part of the stream
}

TEST(StreamBuffer, LargeUnitsKeepTheirPlace) {
  StreamBuffer buffer(0);
  open(buffer);
  std::string const small = command({"set", "a", "1"});
  std::string const large = command({"set", "b", std::string(300'000, 'x')});
  std::string expected = command({"SELECT", "0"});
  for (int i = 0; i < 5; ++i) {
    append(buffer, 0, small);
    append(buffer, 0, large);
    append(buffer, 0, large);
    expected += small + large + large;
  }
  Effect const effects[] = {{0, large}, {1, large}};
  uint64_t const end = buffer.append_unit(effects, 0).end_offset;
  EXPECT_EQ(end, buffer.pending_bytes());
  expected += command({"MULTI"}) + large + command({"SELECT", "1"}) + large + command({"EXEC"});
  EXPECT_EQ(drain(buffer), expected);
}

TEST(StreamBuffer, BatchesAreBounded) {
  StreamBuffer buffer(0);
  open(buffer);
  std::string const unit = command({"set", "b", std::string(1000, 'x')});
  for (int i = 0; i < 5000; ++i) append(buffer, 0, unit);
  uint64_t expected_end = 0;
  for (Batch batch; buffer.take(batch, WakeFor::kNothing); buffer.give_back(std::move(batch)), batch = {}) {
    EXPECT_LT(batch.file_bytes, kBatchBytesMax + 2 * unit.size());
    expected_end += batch.file_bytes;
    EXPECT_EQ(batch.end_offset, expected_end);
  }
  EXPECT_EQ(expected_end, buffer.end_offset());
}

TEST(StreamBuffer, EndedFileSelectsAnew) {
  StreamBuffer buffer(7);
  open(buffer);
  std::string const set = command({"set", "a", "1"});
  std::string const select = command({"SELECT", "0"});
  append(buffer, 0, set);
  EXPECT_EQ(buffer.end_file(true), 7 + select.size() + set.size());
  append(buffer, 0, set);
  buffer.end_file(false);
  append(buffer, 0, set);  // closed: dropped
  EXPECT_EQ(drain(buffer), select + set + "|" + select + set + "|");
  EXPECT_EQ(buffer.end_offset(), 7 + 2 * (select.size() + set.size()));
}

TEST(StreamBuffer, NothingIsAppendedBeforeItIsOpen) {
  StreamBuffer buffer(5);
  EXPECT_EQ(append(buffer, 0, command({"ping"})), 5u);
  EXPECT_EQ(drain(buffer), "");
}

TEST(StreamBuffer, RestartsElsewhereWhileItIsClosed) {
  StreamBuffer buffer(5);
  buffer.restart(1000, 0);
  open(buffer);
  std::string const set = command({"set", "a", "1"});
  EXPECT_EQ(append(buffer, 0, set), 1000 + command({"SELECT", "0"}).size() + set.size());
}

TEST(StreamBuffer, AsksToWakeTheWriterOnce) {
  StreamBuffer buffer(0);
  open(buffer);
  std::string const set = command({"set", "a", "1"});
  Effect const effect{0, set};
  Batch batch;
  EXPECT_FALSE(buffer.append_unit({&effect, 1}, 0).wake_writer);  // the writer is at work
  EXPECT_TRUE(buffer.take(batch, WakeFor::kAnyAppend));
  EXPECT_FALSE(buffer.take(batch, WakeFor::kAnyAppend));
  EXPECT_TRUE(buffer.append_unit({&effect, 1}, 0).wake_writer);
  EXPECT_FALSE(buffer.append_unit({&effect, 1}, 0).wake_writer);

  drain(buffer);
  EXPECT_FALSE(buffer.gather(WakeFor::kLargePending));
  EXPECT_FALSE(buffer.append_unit({&effect, 1}, 0).wake_writer);
  std::string const large = command({"set", "b", std::string(kGatherBytesMax, 'x')});
  Effect const large_effect{0, large};
  EXPECT_TRUE(buffer.append_unit({&large_effect, 1}, 0).wake_writer);
  EXPECT_TRUE(buffer.gather(WakeFor::kLargePending));  // enough is there already
}

TEST(StreamBuffer, OffsetsAreExactUnderConcurrentAppends) {
  constexpr int kThreads = 4;
  constexpr int kUnits = 5000;
  StreamBuffer buffer(0);
  open(buffer);
  std::vector<std::vector<uint64_t>> ends(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kUnits; ++i)
          ends[t].push_back(append(buffer, 0, "<" + std::to_string(t) + ":" + std::to_string(i) + ">"));
      });
    }
  }
  std::string const text = drain(buffer);
  for (int t = 0; t < kThreads; ++t) {
    for (int i = 0; i < kUnits; ++i) {
      std::string const unit = "<" + std::to_string(t) + ":" + std::to_string(i) + ">";
      ASSERT_LE(ends[t][i], text.size());
      ASSERT_EQ(text.substr(ends[t][i] - unit.size(), unit.size()), unit);
    }
  }
}

TEST(StreamBuffer, VerbatimPiecesAreNotChanged) {
  StreamBuffer buffer(1000);
  open(buffer);
  std::string const piece = command({"SELECT", "3"}) + command({"set", "a", "1"});
  EXPECT_EQ(buffer.append_verbatim(piece, 3).end_offset, 1000 + piece.size());
  std::string const large = command({"set", "b", std::string(3 * kChunkBytes, 'x')});
  EXPECT_EQ(buffer.append_verbatim(large, 3).end_offset, 1000 + piece.size() + large.size());
  EXPECT_EQ(buffer.selected_database(), 3);
  EXPECT_EQ(drain(buffer), piece + large);
}

TEST(StreamBuffer, AFileThatBeginsInAVerbatimStreamSelectsItsDatabase) {
  StreamBuffer buffer(0);
  open(buffer);
  std::string const set = command({"set", "a", "1"});
  uint64_t const before = buffer.append_verbatim(set, 5).end_offset;
  EXPECT_EQ(buffer.end_file(true), before);
  // The SELECT is a part of the file and not of the stream.
  EXPECT_EQ(buffer.append_verbatim(set, 5).end_offset, before + set.size());
  EXPECT_EQ(buffer.append_verbatim(set, 0).end_offset, before + 2 * set.size());
  buffer.end_file(true);
  buffer.append_verbatim(set, 0);
  EXPECT_EQ(drain(buffer), set + "|" + std::string(kFileOnlyAnnotation) + command({"SELECT", "5"}) + set + set + "|" + set);
}

TEST(StreamBuffer, OwnUnitsBehindAVerbatimStreamSelectTheirDatabase) {
  StreamBuffer buffer(0);
  open(buffer);
  std::string const set = command({"set", "a", "1"});
  buffer.append_verbatim(set, 5);
  append(buffer, 5, set);
  append(buffer, 5, set);
  EXPECT_EQ(drain(buffer), set + command({"SELECT", "5"}) + set + set);
}

TEST(StreamBuffer, ControlCommandsSelectNothing) {
  StreamBuffer buffer(0);
  open(buffer);
  std::string const set = command({"set", "a", "1"});
  std::string const ping = command({"ping"});
  append(buffer, 2, set);
  buffer.append_control(ping);
  append(buffer, 2, set);
  EXPECT_EQ(drain(buffer), command({"SELECT", "2"}) + set + ping + set);
  buffer.append_verbatim(set, 0);
  buffer.append_control(ping);
  EXPECT_EQ(drain(buffer), set);
}

TEST(StreamBuffer, ARestartedStreamHasItsDatabaseSelected) {
  StreamBuffer buffer(0);
  buffer.restart(500, 7);
  buffer.end_file(true);
  std::string const set = command({"set", "a", "1"});
  EXPECT_EQ(buffer.append_verbatim(set, 7).end_offset, 500 + set.size());
  EXPECT_EQ(drain(buffer), "|" + std::string(kFileOnlyAnnotation) + command({"SELECT", "7"}) + set);
}

}  // namespace
}  // namespace holdfast::log
