#include "replication/proof.h"

#include <gtest/gtest.h>

#include "log/backlog.h"
#include "resp/request_parser.h"

namespace holdfast::replication {
namespace {

using Progress = ProofRun::Progress;
using State = ProofVerdict::State;

/// The arguments that arrive when these bytes are sent.
class Arrived {
 public:
  explicit Arrived(std::string bytes) : bytes_(std::move(bytes)) {
    size_t consumed = 0;
    std::string error;
    RequestParser parser;
    parser.parse(bytes_, {}, batch_, consumed, error);
    EXPECT_EQ(error, "");
    EXPECT_EQ(consumed, bytes_.size());
  }
  Args args() const { return {batch_[0].argv, batch_[0].argc}; }

 private:
  std::string bytes_;
  CommandBatch batch_;
};

TEST(ProofReport, TravelsAsAnAcknowledgement) {
  ProofReport const sent{.id = "ab", .from = "h:1 h:2", .state = "done", .replicas = "h:3", .digests = std::string("\0\r\n", 3)};
  std::string bytes;
  sent.append_to(bytes, "77");
  Arrived const arrived(bytes);
  EXPECT_TRUE(arrived.args().is(1, "ACK"));
  EXPECT_EQ(arrived.args()[2], "77");
  auto const report = ProofReport::parse(arrived.args());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->id, sent.id);
  EXPECT_EQ(report->from, sent.from);
  EXPECT_EQ(report->state, sent.state);
  EXPECT_EQ(report->replicas, sent.replicas);
  EXPECT_EQ(report->digests, sent.digests);
  EXPECT_FALSE(ProofReport::parse(Arrived("*5\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$1\r\n7\r\n$4\r\nFACK\r\n$1\r\n7\r\n").args()));
}

TEST(ProofReport, TheMarkIsAPingWithAText) {
  EXPECT_EQ(proof_mark("0123"), "*2\r\n$4\r\nPING\r\n$19\r\nholdfast-proof:0123\r\n");
  EXPECT_EQ(proof_id(Arrived(proof_mark("0123")).args()), "0123");
  EXPECT_EQ(proof_id(Arrived("*1\r\n$4\r\nping\r\n").args()), "");
  EXPECT_EQ(proof_id(Arrived("*2\r\n$4\r\nPING\r\n$5\r\nhello\r\n").args()), "");
  EXPECT_EQ(proof_id(Arrived("*2\r\n$4\r\nECHO\r\n$19\r\nholdfast-proof:0123\r\n").args()), "");
}

/// A proof among replicas that tell what the test says.
class ProofRunTest : public testing::Test {
 protected:
  std::shared_ptr<ReplicaFeed> replica(int port, bool proves = true) {
    auto card = std::make_shared<ClientCard>();
    card->id = static_cast<uint64_t>(port);
    card->address = "10.0.0.1:5000";
    auto feed = std::make_shared<ReplicaFeed>(clock_, backlog_, std::move(card), [](ClientCard&) {}, [](ReplicaFeed const&) {});
    feed->introduction.port = port;
    feed->introduction.proof = proves;
    feed->stream_from(0);
    feeds_.push_back(feed);
    return feed;
  }
  static snapshot::GroupDigests digests(uint8_t seed) {
    snapshot::GroupDigest group{.db = 1, .group = 9, .keys = seed};
    group.digest.fill(seed);
    return {group};
  }
  static ProofReport done(uint8_t seed, std::string from = "", std::string replicas = "") {
    return {.id = "x", .from = std::move(from), .state = "done", .replicas = std::move(replicas),
            .digests = snapshot::encode_digests(digests(seed))};
  }
  /// "ip:port state" and "via" of each, in their order.
  std::vector<std::string> verdicts() const {
    std::vector<std::string> found;
    for (ProofVerdict const& each : run_.result().replicas) {
      found.push_back(each.replica + " " + std::string(state_text(each.state)) + (each.via.empty() ? "" : " via " + each.via));
    }
    return found;
  }
  using Words = std::vector<std::string>;

  SystemClock clock_;
  log::Backlog backlog_;
  std::vector<std::shared_ptr<ReplicaFeed>> feeds_;
  ProofRun run_{"x"};
};

TEST_F(ProofRunTest, GoesFromTheQueueToTheEnd) {
  auto const first = replica(1);
  auto const second = replica(2);
  EXPECT_EQ(run_.progress(), Progress::kQueued);
  run_.begin(100, feeds_);
  EXPECT_EQ(run_.progress(), Progress::kWalking);
  run_.hear(*first, done(3));  // who is faster than we are
  run_.digested({}, digests(3));
  EXPECT_EQ(run_.progress(), Progress::kWaiting);
  EXPECT_EQ(verdicts(), (Words{"10.0.0.1:1 equal", "10.0.0.1:2 no-answer"}));
  run_.hear(*second, done(4));
  EXPECT_EQ(run_.progress(), Progress::kComplete);
  EXPECT_EQ(verdicts(), (Words{"10.0.0.1:1 equal", "10.0.0.1:2 different"}));
  ProofResult const result = run_.result();
  EXPECT_EQ(result.offset, 100u);
  EXPECT_EQ(result.keys, 3u);
  EXPECT_EQ(result.replicas[1].differences, (std::vector<snapshot::GroupDifference>{{1, 9, 3, 4}}));
  EXPECT_EQ(result.unchecked(), 0u);
}

TEST_F(ProofRunTest, WhoCannotAnswerIsNotWaitedFor) {
  replica(1, false);
  auto const busy = replica(2);
  auto const gone = replica(3);
  run_.begin(1, feeds_);
  run_.digested({}, digests(3));
  run_.hear(*busy, {.id = "x", .from = {}, .state = "busy", .replicas = {}, .digests = {}});
  EXPECT_EQ(run_.progress(), Progress::kWaiting);
  feeds_.pop_back();
  run_.keep(feeds_);
  EXPECT_EQ(run_.progress(), Progress::kComplete);
  EXPECT_EQ(verdicts(), (Words{"10.0.0.1:1 unsupported", "10.0.0.1:2 busy", "10.0.0.1:3 disconnected"}));
  EXPECT_EQ(run_.result().unchecked(), 3u);
}

TEST_F(ProofRunTest, ReplicasOfReplicasAreWaitedForByName) {
  auto const middle = replica(1);
  run_.begin(1, feeds_);
  run_.digested({}, digests(3));
  // The last of the chain may be heard before the one that passes it on has spoken.
  run_.hear(*middle, done(3, "h:5 h:7"));
  run_.hear(*middle, done(3, "", "h:5 h:6"));
  EXPECT_EQ(run_.progress(), Progress::kWaiting);
  run_.hear(*middle, done(9, "h:5", "h:7"));
  EXPECT_EQ(run_.progress(), Progress::kWaiting);
  run_.hear(*middle, {.id = "x", .from = "h:6", .state = "unsupported", .replicas = {}, .digests = {}});
  EXPECT_EQ(run_.progress(), Progress::kComplete);
  EXPECT_EQ(verdicts(), (Words{"10.0.0.1:1 equal", "h:7 equal via 10.0.0.1:1 > h:5", "h:5 different via 10.0.0.1:1",
                               "h:6 unsupported via 10.0.0.1:1"}));
}

TEST_F(ProofRunTest, DigestsThatAreNoneAreAFailure) {
  auto const broken = replica(1);
  run_.begin(1, feeds_);
  run_.digested({}, digests(3));
  run_.hear(*broken, {.id = "x", .from = {}, .state = "done", .replicas = {}, .digests = "?"});
  EXPECT_EQ(verdicts(), (Words{"10.0.0.1:1 failed"}));
}

TEST_F(ProofRunTest, WithoutDigestsOfOurOwnItFails) {
  replica(1);
  run_.begin(1, feeds_);
  run_.digested(fail("cancelled"), {});
  EXPECT_EQ(run_.progress(), Progress::kFailed);
}

}  // namespace
}  // namespace holdfast::replication
