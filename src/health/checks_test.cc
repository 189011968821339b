#include "health/checks.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "health/report_text.h"

namespace holdfast::health {
namespace {

constexpr Limits kLimits{.snapshot_age_max_s = 0, .fsync_lag_max_s = 5};

/// Well, with save points and AOF.
Figures well() {
  Figures figures;
  figures.now_s = 1'000'000;
  figures.started_s = 900'000;
  figures.persistence.last_save_s = 999'990;
  figures.append_only = true;
  figures.fsync_promised = true;
  figures.save_points = {{3600, 1}, {60, 1000}};
  figures.dataset_bytes = 1'000'000;
  figures.keys = 1000;
  figures.disk_known = true;
  figures.disk_free_bytes = 10'000'000;
  figures.next_cut_bytes = 1'000'000;
  return figures;
}

Check find(Report const& report, std::string_view name) {
  auto const found = std::ranges::find(report.checks, name, &Check::name);
  EXPECT_NE(found, report.checks.end()) << name;
  return found == report.checks.end() ? Check{} : *found;
}

/// Exactly this check is not green.
void expect_only(Figures const& figures, std::string_view name, Level level, std::string_view text, Limits limits = kLimits) {
  Report const report = judge(figures, limits);
  EXPECT_EQ(report.level, level);
  for (Check const& check : report.checks) {
    EXPECT_EQ(check.level, check.name == name ? level : Level::kGreen) << check.name << ": " << check.text;
  }
  EXPECT_EQ(find(report, name).text, text);
}

TEST(ChecksTest, a_server_that_is_well_is_green_and_ready) {
  Report const report = judge(well(), kLimits);
  EXPECT_EQ(report.level, Level::kGreen);
  EXPECT_TRUE(report.ready);
  EXPECT_EQ(report.checks.size(), 9u);
}

TEST(ChecksTest, loading_is_red_and_not_ready) {
  Figures figures = well();
  figures.persistence.loading = true;
  figures.persistence.loading_total_bytes = 200;
  figures.persistence.loading_loaded_bytes = 50;
  expect_only(figures, "loading", Level::kRed, "loading data: 25 % of 200 bytes");
  EXPECT_FALSE(judge(figures, kLimits).ready);
}

TEST(ChecksTest, a_failed_snapshot_is_red_and_not_ready_when_writes_are_refused) {
  Figures figures = well();
  figures.persistence.last_save_ok = false;
  expect_only(figures, "snapshot", Level::kRed, "the last snapshot failed");
  EXPECT_TRUE(judge(figures, kLimits).ready);
  figures.refuses_writes = true;
  expect_only(figures, "snapshot", Level::kRed, "the last snapshot failed, and writes are refused");
  EXPECT_FALSE(judge(figures, kLimits).ready);
}

TEST(ChecksTest, a_snapshot_older_than_the_limit_is_red_if_there_is_something_to_save) {
  Figures figures = well();
  figures.persistence.last_save_s = figures.now_s - 101;
  Limits const limits{.snapshot_age_max_s = 100, .fsync_lag_max_s = 5};
  EXPECT_EQ(judge(figures, limits).level, Level::kGreen);
  figures.persistence.changes_since_save = 1;
  expect_only(figures, "snapshot", Level::kRed, "the last snapshot is 101 s old, health-snapshot-age-max is 100 s", limits);
}

TEST(ChecksTest, a_save_point_that_is_reached_and_not_followed_is_red) {
  Figures figures = well();
  figures.persistence.last_save_s = figures.now_s - 1000;
  figures.persistence.changes_since_save = 1500;
  figures.unsaved_us = 120'000'000;
  EXPECT_EQ(judge(figures, kLimits).level, Level::kGreen);
  figures.unsaved_us = 121'000'000;
  expect_only(figures, "snapshot", Level::kRed, "no snapshot for 1000 s, though 1500 changes reach the save point 60 1000");
  figures.persistence.saving = true;
  EXPECT_EQ(judge(figures, kLimits).level, Level::kGreen);
}

TEST(ChecksTest, an_aof_that_cannot_be_written_or_synced_is_red_and_not_ready) {
  Figures figures = well();
  figures.log_status = {.kind = log::LogHealth::kFsyncFailed, .errnum = 5, .text = "Input/output error"};
  expect_only(figures, "aof_write", Level::kRed, "an fsync of the AOF failed: Input/output error");
  EXPECT_FALSE(judge(figures, kLimits).ready);
  figures.append_only = false;
  EXPECT_EQ(judge(figures, kLimits).level, Level::kGreen);
}

TEST(ChecksTest, a_disk_that_does_not_keep_up_is_red_where_fsync_is_promised) {
  Figures figures = well();
  figures.unsynced_us = 6'500'000;
  figures.unsynced_bytes = 77;
  expect_only(figures, "aof_fsync", Level::kRed,
              "the AOF is 6 s and 77 bytes ahead of the disk, health-fsync-lag-max is 5 s");
  figures.fsync_promised = false;
  EXPECT_EQ(judge(figures, kLimits).level, Level::kGreen);
}

TEST(ChecksTest, a_disk_that_will_not_hold_the_next_snapshot_is_red) {
  Figures figures = well();
  figures.disk_free_bytes = 1'099'999;
  expect_only(figures, "disk_space", Level::kRed,
              "the next snapshot is expected to take 1000000 bytes, 1099999 are free");
  figures.disk_known = false;
  EXPECT_EQ(judge(figures, kLimits).level, Level::kYellow);
  figures.disk_silent_us = 11'000'000;
  expect_only(figures, "disk_space", Level::kRed, "the disk has not answered for 11 s");
}

TEST(ChecksTest, a_failed_rewrite_and_no_persistence_are_yellow) {
  Figures figures = well();
  figures.persistence.last_rewrite_ok = false;
  expect_only(figures, "aof_rewrite", Level::kYellow, "the last rewrite of the AOF failed: it goes on growing");
  figures = well();
  figures.append_only = false;
  figures.save_points.clear();
  expect_only(figures, "persistence", Level::kYellow, "neither AOF nor save points are configured: a restart loses all data");
}

TEST(ChecksTest, replication_has_a_link_a_primary_with_data_and_enough_replicas) {
  Figures figures = well();
  figures.replica = true;
  expect_only(figures, "replication", Level::kYellow, "the link to the primary is down");
  figures.primary_refused = true;
  expect_only(figures, "replication", Level::kRed,
              "the primary is empty and was refused: this replica keeps its data (replica-accept-empty-primary)");
  figures = well();
  figures.too_few_replicas = true;
  expect_only(figures, "replication", Level::kRed,
              "there are too few replicas, and writes are refused (min-replicas-to-write)");
}

TEST(ChecksTest, memory_near_and_over_its_limit) {
  Figures figures = well();
  figures.maxmemory = 1000;
  figures.used_memory = 900;
  EXPECT_EQ(judge(figures, kLimits).level, Level::kGreen);
  figures.used_memory = 901;
  expect_only(figures, "memory", Level::kYellow, "901 bytes of 1000 are used");
  figures.memory_exceeded = true;
  expect_only(figures, "memory", Level::kRed, "maxmemory is exceeded: writes are refused");
}

TEST(ChecksTest, what_is_at_risk_is_the_unsynced_log_or_the_unsaved_changes) {
  Figures figures = well();
  figures.unsynced_us = 1'500'000;
  figures.unsynced_bytes = 4096;
  figures.persistence.changes_since_save = 10;
  DataAtRisk risk = figures.at_risk();
  EXPECT_DOUBLE_EQ(risk.seconds, 1.5);
  EXPECT_EQ(risk.bytes, 4096u);
  EXPECT_EQ(risk.changes, 0u);
  figures.append_only = false;
  figures.unsaved_us = 30'000'000;
  risk = figures.at_risk();
  EXPECT_DOUBLE_EQ(risk.seconds, 30);
  EXPECT_EQ(risk.bytes, 10'000u);  // of 1000 bytes each
  EXPECT_EQ(risk.changes, 10u);
  figures.persistence.changes_since_save = 1'000'000;
  EXPECT_EQ(figures.at_risk().bytes, figures.dataset_bytes);
  figures.persistence.changes_since_save = 0;
  EXPECT_EQ(figures.at_risk().bytes, 0u);
}

TEST(ChecksTest, texts_of_the_system_are_quoted_in_json) {
  Monitor::Seen seen{.figures = well(), .report = {}};
  seen.figures.log_status = {.kind = log::LogHealth::kWriteError, .errnum = 28, .text = "a \"b\"\n\\"};
  seen.report = judge(seen.figures, kLimits);
  std::string const json = to_json(seen);
  EXPECT_TRUE(json.starts_with(R"({"status":"red","ready":false,"data_at_risk":{"seconds":0.000,"bytes":0,"changes":0},"checks":[)"));
  EXPECT_NE(json.find(R"({"name":"aof_write","status":"red","text":"the AOF cannot be written: a \"b\"\u000a\\"})"),
            std::string::npos)
      << json;
}

}  // namespace
}  // namespace holdfast::health
