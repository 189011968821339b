// Parsing and replying, ns per command: the fixed cost of every request. Items are commands.

#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>

#include "resp/output_buffer.h"
#include "resp/reply.h"
#include "resp/request_parser.h"

namespace holdfast {
namespace {

constexpr int kPipeline = 100;

std::string pipelined(char const* format) {
  std::string input;
  char command[256];
  for (int i = 0; i < kPipeline; i++) {
    input.append(command, static_cast<size_t>(std::snprintf(command, sizeof command, format, 12345 + i)));
  }
  return input;
}

void parse_all(benchmark::State& state, std::string const& input) {
  RequestParser parser;
  RequestLimits limits;
  CommandBatch batch;
  std::string error;
  for (auto _ : state) {
    size_t at = 0;
    while (at < input.size()) {
      size_t consumed;
      parser.parse({input.data() + at, input.size() - at}, limits, batch, consumed, error);
      for (size_t i = 0; i < batch.size(); i++) benchmark::DoNotOptimize(batch[i]);
      at += consumed;
    }
  }
  state.SetItemsProcessed(state.iterations() * kPipeline);
}

void BM_parse_get(benchmark::State& state) { parse_all(state, pipelined("*2\r\n$3\r\nGET\r\n$16\r\nkey:%012d\r\n")); }
BENCHMARK(BM_parse_get);

void BM_parse_set_32_bytes(benchmark::State& state) {
  parse_all(state, pipelined("*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$32\r\n01234567890123456789012345678901\r\n"));
}
BENCHMARK(BM_parse_set_32_bytes);

void BM_parse_inline_get(benchmark::State& state) { parse_all(state, pipelined("GET key:%012d\r\n")); }
BENCHMARK(BM_parse_inline_get);

/// Writes replies as one connection does: kPipeline of them, then all is sent.
template <class Write>
void reply_all(benchmark::State& state, Write write) {
  OutputBuffer out;
  Reply reply(out);
  for (auto _ : state) {
    for (int i = 0; i < kPipeline; i++) write(reply, i);
    iovec pieces[16];
    benchmark::DoNotOptimize(out.fill_iovec(pieces, 16));
    out.consume(out.size());
  }
  state.SetItemsProcessed(state.iterations() * kPipeline);
}

void BM_reply_bulk(benchmark::State& state) {
  std::string value(static_cast<size_t>(state.range(0)), 'v');
  reply_all(state, [&](Reply& reply, int) {
    benchmark::DoNotOptimize(value);
    reply.bulk(value);
  });
}
BENCHMARK(BM_reply_bulk)->Arg(3)->Arg(16)->Arg(32)->Arg(100)->Arg(1000);

void BM_reply_ok(benchmark::State& state) {
  reply_all(state, [](Reply& reply, int) { reply.ok(); });
}
BENCHMARK(BM_reply_ok);

void BM_reply_integer(benchmark::State& state) {
  reply_all(state, [](Reply& reply, int i) { reply.integer(100 * i); });
}
BENCHMARK(BM_reply_integer);

void BM_reply_deferred_array_of_3(benchmark::State& state) {
  reply_all(state, [](Reply& reply, int) {
    size_t mark = reply.begin_deferred();
    for (int i = 0; i < 3; i++) reply.bulk("member");
    reply.end_deferred_array(mark, 3);
  });
}
BENCHMARK(BM_reply_deferred_array_of_3);

void BM_reply_shared_64_kib(benchmark::State& state) {
  SharedBufferRef value = SharedBuffer::copy_of(std::string(64 * 1024, 'v'));
  reply_all(state, [&](Reply& reply, int) { reply.bulk(value); });
}
BENCHMARK(BM_reply_shared_64_kib);

}  // namespace
}  // namespace holdfast
