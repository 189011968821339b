#pragma once

// The directives, one row each, in the order in which a rewritten file gets them. To add one, add a row: enumerator,
// CONFIG GET, SET and REWRITE and the file grammar follow from it. The builders are in directive_row.h; the last text
// of a builder is the default as CONFIG GET prints it.

// clang-format off
#define HOLDFAST_DIRECTIVES(X)                                                                                         \
  X(kAclPubsubDefault, choice("acl-pubsub-default", kAclPubsubChoices, "resetchannels")) \
  X(kAclfile, string("aclfile", "").fixed()) \
  X(kAcllogMaxLen, integer("acllog-max-len", 0, kLongMax, "128")) \
  X(kActiveDefragCycleMax, integer("active-defrag-cycle-max", 1, 99, "25")) \
  X(kActiveDefragCycleMin, integer("active-defrag-cycle-min", 1, 99, "1")) \
  X(kActiveDefragIgnoreBytes, memory("active-defrag-ignore-bytes", 1, kLongMax, "104857600")) \
  X(kActiveDefragMaxScanFields, integer("active-defrag-max-scan-fields", 1, kLongMax, "1000")) \
  X(kActiveDefragThresholdLower, integer("active-defrag-threshold-lower", 0, 1000, "10")) \
  X(kActiveDefragThresholdUpper, integer("active-defrag-threshold-upper", 0, 1000, "100")) \
  X(kActiveExpireEffort, integer("active-expire-effort", 1, 10, "1")) \
  X(kActivedefrag, yes_no("activedefrag", "no")) \
  X(kActiverehashing, yes_no("activerehashing", "yes")) \
  X(kAdminBind, string("admin-bind", "127.0.0.1").fixed()) \
  X(kAdminPort, integer("admin-port", 0, 65535, "0").fixed()) \
  X(kAlwaysShowLogo, yes_no("always-show-logo", "no").fixed()) \
  X(kAofDisableAutoGc, yes_no("aof-disable-auto-gc", "no")) \
  X(kAofLoadTruncated, yes_no("aof-load-truncated", "yes")) \
  X(kAofRewriteIncrementalFsync, yes_no("aof-rewrite-incremental-fsync", "yes")) \
  X(kAofTimestampEnabled, yes_no("aof-timestamp-enabled", "no")) \
  X(kAofUseRdbPreamble, yes_no("aof-use-rdb-preamble", "yes")) \
  X(kAofRewriteCpulist, optional_string("aof_rewrite_cpulist").fixed()) \
  X(kAppenddirname, string("appenddirname", "appendonlydir").fixed().checked(check_appenddirname)) \
  X(kAppendfilename, string("appendfilename", "appendonly.aof").fixed().checked(check_appendfilename)) \
  X(kAppendfsync, choice("appendfsync", kAppendFsyncChoices, "everysec")) \
  X(kAppendonly, yes_no("appendonly", "no").not_while_loading()) \
  X(kAutoAofRewriteMinSize, memory("auto-aof-rewrite-min-size", 0, kLongMax, "67108864")) \
  X(kAutoAofRewritePercentage, integer("auto-aof-rewrite-percentage", 0, kIntMax, "100")) \
  X(kBgsaveCpulist, optional_string("bgsave_cpulist").fixed()) \
  X(kBind, special("bind", Type::kBind, "* -::*").many()) \
  X(kBindSourceAddr, optional_string("bind-source-addr")) \
  X(kBioCpulist, optional_string("bio_cpulist").fixed()) \
  X(kBusyReplyThreshold, integer("busy-reply-threshold", 0, kLongMax, "5000").with_alias("lua-time-limit")) \
  X(kClientDefaultResp, integer("client-default-resp", 2, 3, "2")) \
  X(kClientOutputBufferLimit, special("client-output-buffer-limit", Type::kOutputLimits, kDefaultOutputLimits).many()) \
  X(kClientQueryBufferLimit, memory("client-query-buffer-limit", 1048576, kLongMax, "1073741824")) \
  X(kClusterAllowPubsubshardWhenDown, yes_no("cluster-allow-pubsubshard-when-down", "yes")) \
  X(kClusterAllowReadsWhenDown, yes_no("cluster-allow-reads-when-down", "no")) \
  X(kClusterAllowReplicaMigration, yes_no("cluster-allow-replica-migration", "yes")) \
  X(kClusterAnnounceBusPort, integer("cluster-announce-bus-port", 0, 65535, "0")) \
  X(kClusterAnnounceHostname, optional_string("cluster-announce-hostname").checked(check_hostname)) \
  X(kClusterAnnounceHumanNodename, optional_string("cluster-announce-human-nodename").checked(check_human_nodename)) \
  X(kClusterAnnounceIp, optional_string("cluster-announce-ip")) \
  X(kClusterAnnouncePort, integer("cluster-announce-port", 0, 65535, "0")) \
  X(kClusterAnnounceTlsPort, integer("cluster-announce-tls-port", 0, 65535, "0")) \
  X(kClusterConfigFile, string("cluster-config-file", "nodes.conf").fixed()) \
  X(kClusterEnabled, yes_no("cluster-enabled", "no").fixed()) \
  X(kClusterLinkSendbufLimit, memory("cluster-link-sendbuf-limit", 0, kUlongMax, "0")) \
  X(kClusterMigrationBarrier, integer("cluster-migration-barrier", 0, kIntMax, "1")) \
  X(kClusterNodeTimeout, integer("cluster-node-timeout", 0, kLongMax, "15000")) \
  X(kClusterPingInterval, integer("cluster-ping-interval", 0, kIntMax, "1000")) \
  X(kClusterPort, integer("cluster-port", 0, 65535, "0").fixed()) \
  X(kClusterPreferredEndpointType, choice("cluster-preferred-endpoint-type", kEndpointTypeChoices, "ip")) \
  X(kClusterReplicaNoFailover, yes_no("cluster-replica-no-failover", "no").with_alias("cluster-slave-no-failover")) \
  X(kClusterReplicaValidityFactor, integer("cluster-replica-validity-factor", 0, kIntMax, "10").with_alias("cluster-slave-validity-factor")) \
  X(kClusterRequireFullCoverage, yes_no("cluster-require-full-coverage", "yes")) \
  X(kCrashLogEnabled, yes_no("crash-log-enabled", "yes")) \
  X(kCrashMemcheckEnabled, yes_no("crash-memcheck-enabled", "yes")) \
  X(kDaemonize, yes_no("daemonize", "no").fixed()) \
  X(kDatabases, integer("databases", 1, kIntMax, "16").fixed()) \
  X(kDbfilename, string("dbfilename", "dump.rdb").protect().checked(check_dbfilename)) \
  X(kDir, special("dir", Type::kDirectory, "").protect().not_while_loading()) \
  X(kDisableThp, yes_no("disable-thp", "yes").fixed()) \
  X(kDynamicHz, yes_no("dynamic-hz", "yes")) \
  X(kEnableDebugCommand, choice("enable-debug-command", kLocalActionChoices, "no").fixed()) \
  X(kEnableModuleCommand, choice("enable-module-command", kLocalActionChoices, "no").fixed()) \
  X(kEnableProtectedConfigs, choice("enable-protected-configs", kLocalActionChoices, "no").fixed()) \
  X(kHashMaxListpackEntries, integer("hash-max-listpack-entries", 0, kLongMax, "512").with_alias("hash-max-ziplist-entries")) \
  X(kHashMaxListpackValue, memory("hash-max-listpack-value", 0, kLongMax, "64").with_alias("hash-max-ziplist-value")) \
  X(kHealthFsyncLagMax, integer("health-fsync-lag-max", 0, kIntMax, "5")) \
  X(kHealthSnapshotAgeMax, integer("health-snapshot-age-max", 0, kIntMax, "0")) \
  X(kHllSparseMaxBytes, memory("hll-sparse-max-bytes", 0, kLongMax, "3000")) \
  X(kHz, integer("hz", 0, kIntMax, "10").clamped(1, 500)) \
  X(kIgnoreWarnings, string("ignore-warnings", "")) \
  X(kIoThreadsDoReads, yes_no("io-threads-do-reads", "no").fixed()) \
  X(kJemallocBgThread, yes_no("jemalloc-bg-thread", "yes")) \
  X(kKeyLoadDelay, integer("key-load-delay", kIntMin, kIntMax, "0").hide()) \
  X(kLatencyMonitorThreshold, integer("latency-monitor-threshold", 0, kLongMax, "0")) \
  X(kLatencyTracking, yes_no("latency-tracking", "yes")) \
  X(kLatencyTrackingInfoPercentiles, special("latency-tracking-info-percentiles", Type::kPercentiles, "50 99 99.9").many()) \
  X(kLazyfreeLazyEviction, yes_no("lazyfree-lazy-eviction", "no")) \
  X(kLazyfreeLazyExpire, yes_no("lazyfree-lazy-expire", "no")) \
  X(kLazyfreeLazyServerDel, yes_no("lazyfree-lazy-server-del", "no")) \
  X(kLazyfreeLazyUserDel, yes_no("lazyfree-lazy-user-del", "no")) \
  X(kLazyfreeLazyUserFlush, yes_no("lazyfree-lazy-user-flush", "no")) \
  X(kLfuDecayTime, integer("lfu-decay-time", 0, kIntMax, "1")) \
  X(kLfuLogFactor, integer("lfu-log-factor", 0, kIntMax, "10")) \
  X(kListCompressDepth, integer("list-compress-depth", 0, kIntMax, "0")) \
  X(kListMaxListpackSize, integer("list-max-listpack-size", kIntMin, kIntMax, "-2").with_alias("list-max-ziplist-size")) \
  X(kLoadingProcessEventsIntervalBytes, integer("loading-process-events-interval-bytes", 1024, kIntMax, "2097152").hide()) \
  X(kLocaleCollate, string("locale-collate", "").checked(check_locale)) \
  X(kLogfile, string("logfile", "").fixed()) \
  X(kLoglevel, choice("loglevel", kLogLevelChoices, "notice")) \
  X(kMasterauth, optional_string("masterauth").secret()) \
  X(kMasteruser, optional_string("masteruser").secret()) \
  X(kMaxclients, integer("maxclients", 1, kUintMax, "10000")) \
  X(kMaxclientsReserved, integer("maxclients-reserved", 0, 1000, "8")) \
  X(kMaxclientsReservedFor, choice("maxclients-reserved-for", kMaxclientsReservedForChoices, "unixsocket")) \
  X(kMaxmemory, memory("maxmemory", 0, kUlongMax, "0")) \
  X(kMaxmemoryClients, memory_or_percent("maxmemory-clients", "0")) \
  X(kMaxmemoryEvictionTenacity, integer("maxmemory-eviction-tenacity", 0, 100, "10")) \
  X(kMaxmemoryPolicy, choice("maxmemory-policy", kMaxmemoryPolicyChoices, "noeviction")) \
  X(kMaxmemorySamples, integer("maxmemory-samples", 1, kIntMax, "5")) \
  X(kMinReplicasMaxLag, integer("min-replicas-max-lag", 0, kIntMax, "10").with_alias("min-slaves-max-lag")) \
  X(kMinReplicasToWrite, integer("min-replicas-to-write", 0, kIntMax, "0").with_alias("min-slaves-to-write")) \
  X(kNoAppendfsyncOnRewrite, yes_no("no-appendfsync-on-rewrite", "no")) \
  X(kNotifyKeyspaceEvents, special("notify-keyspace-events", Type::kKeyspaceEvents, "")) \
  X(kOomScoreAdj, choice("oom-score-adj", kOomScoreAdjChoices, "no")) \
  X(kOomScoreAdjValues, special("oom-score-adj-values", Type::kOomValues, "0 200 800").many()) \
  X(kPartitions, integer("partitions", 16, 16384, "256").fixed().checked(check_power_of_two)) \
  X(kPidfile, optional_string("pidfile").fixed()) \
  X(kPort, integer("port", 0, 65535, "6379")) \
  X(kProcTitleTemplate, string("proc-title-template", "{title} {listen-addr} {server-mode}").checked(check_title_template)) \
  X(kPropagationErrorBehavior, choice("propagation-error-behavior", kPropagationErrorChoices, "ignore")) \
  X(kProtectedMode, yes_no("protected-mode", "yes")) \
  X(kProtoMaxBulkLen, memory("proto-max-bulk-len", 1048576, kLongMax, "536870912")) \
  X(kRdbDelSyncFiles, yes_no("rdb-del-sync-files", "no")) \
  X(kRdbKeySaveDelay, integer("rdb-key-save-delay", kIntMin, kIntMax, "0").hide()) \
  X(kRdbSaveIncrementalFsync, yes_no("rdb-save-incremental-fsync", "yes")) \
  X(kRdbchecksum, yes_no("rdbchecksum", "yes").fixed()) \
  X(kRdbcompression, yes_no("rdbcompression", "yes")) \
  X(kReplBacklogDiskSize, memory("repl-backlog-disk-size", 0, kLongMax, "2147483648")) \
  X(kReplBacklogSize, memory("repl-backlog-size", 1, kLongMax, "1048576")) \
  X(kReplBacklogTtl, integer("repl-backlog-ttl", 0, kLongMax, "3600")) \
  X(kReplDisableTcpNodelay, yes_no("repl-disable-tcp-nodelay", "no")) \
  X(kReplDisklessLoad, choice("repl-diskless-load", kDisklessLoadChoices, "disabled").not_while_loading()) \
  X(kReplDisklessSync, yes_no("repl-diskless-sync", "yes")) \
  X(kReplDisklessSyncDelay, integer("repl-diskless-sync-delay", 0, kIntMax, "5")) \
  X(kReplDisklessSyncMaxReplicas, integer("repl-diskless-sync-max-replicas", 0, kIntMax, "0")) \
  X(kReplPingReplicaPeriod, integer("repl-ping-replica-period", 1, kIntMax, "10").with_alias("repl-ping-slave-period")) \
  X(kReplTimeout, integer("repl-timeout", 1, kIntMax, "60")) \
  X(kReplicaAcceptEmptyPrimary, yes_no("replica-accept-empty-primary", "no")) \
  X(kReplicaAnnounceIp, optional_string("replica-announce-ip").with_alias("slave-announce-ip")) \
  X(kReplicaAnnouncePort, integer("replica-announce-port", 0, 65535, "0").with_alias("slave-announce-port")) \
  X(kReplicaAnnounced, yes_no("replica-announced", "yes")) \
  X(kReplicaIgnoreDiskWriteErrors, yes_no("replica-ignore-disk-write-errors", "no")) \
  X(kReplicaIgnoreMaxmemory, yes_no("replica-ignore-maxmemory", "yes").with_alias("slave-ignore-maxmemory")) \
  X(kReplicaLazyFlush, yes_no("replica-lazy-flush", "no").with_alias("slave-lazy-flush")) \
  X(kReplicaPriority, integer("replica-priority", 0, kIntMax, "100").with_alias("slave-priority")) \
  X(kReplicaReadOnly, yes_no("replica-read-only", "yes").with_alias("slave-read-only")) \
  X(kReplicaServeStaleData, yes_no("replica-serve-stale-data", "yes").with_alias("slave-serve-stale-data")) \
  X(kReplicaof, special("replicaof", Type::kReplicaOf, "").with_alias("slaveof").fixed().many()) \
  X(kReqResLogfile, optional_string("req-res-logfile").fixed().hide()) \
  X(kRequirepass, optional_string("requirepass").secret()) \
  X(kSanitizeDumpPayload, choice("sanitize-dump-payload", kSanitizeChoices, "no")) \
  X(kSave, special("save", Type::kSave, "3600 1 300 100 60 10000").many()) \
  X(kServerCpulist, optional_string("server_cpulist").fixed()) \
  X(kSetMaxIntsetEntries, integer("set-max-intset-entries", 0, kLongMax, "512")) \
  X(kSetMaxListpackEntries, integer("set-max-listpack-entries", 0, kLongMax, "128")) \
  X(kSetMaxListpackValue, memory("set-max-listpack-value", 0, kLongMax, "64")) \
  X(kSetProcTitle, yes_no("set-proc-title", "yes").fixed()) \
  X(kShutdownOnSigint, flag_set("shutdown-on-sigint", kShutdownChoices, "default").many()) \
  X(kShutdownOnSigterm, flag_set("shutdown-on-sigterm", kShutdownChoices, "default").many()) \
  X(kShutdownTimeout, integer("shutdown-timeout", 0, kIntMax, "10")) \
  X(kSlowlogLogSlowerThan, integer("slowlog-log-slower-than", -1, kLongMax, "10000")) \
  X(kSlowlogMaxLen, integer("slowlog-max-len", 0, kLongMax, "128")) \
  X(kSocketMarkId, integer("socket-mark-id", 0, kUintMax, "0").fixed()) \
  X(kStopWritesOnBgsaveError, yes_no("stop-writes-on-bgsave-error", "yes")) \
  X(kStreamNodeMaxBytes, memory("stream-node-max-bytes", 0, kLongMax, "4096")) \
  X(kStreamNodeMaxEntries, integer("stream-node-max-entries", 0, kLongMax, "100")) \
  X(kSupervised, choice("supervised", kSupervisedChoices, "no").fixed()) \
  X(kSyslogEnabled, yes_no("syslog-enabled", "no").fixed()) \
  X(kSyslogFacility, choice("syslog-facility", kSyslogFacilityChoices, "local0").fixed()) \
  X(kSyslogIdent, string("syslog-ident", "redis").fixed()) \
  X(kTcpBacklog, integer("tcp-backlog", 0, kIntMax, "511").fixed()) \
  X(kTcpKeepalive, integer("tcp-keepalive", 0, kIntMax, "300")) \
  X(kThreads, integer("threads", 0, 512, "0").with_alias("io-threads").fixed().keep_alias()) \
  X(kTimeout, integer("timeout", 0, kIntMax, "0")) \
  X(kTlsAuthClients, choice("tls-auth-clients", kTlsAuthClientsChoices, "yes")) \
  X(kTlsCaCertDir, optional_string("tls-ca-cert-dir").always()) \
  X(kTlsCaCertFile, optional_string("tls-ca-cert-file").always()) \
  X(kTlsCertFile, optional_string("tls-cert-file").always()) \
  X(kTlsCiphers, optional_string("tls-ciphers")) \
  X(kTlsCiphersuites, optional_string("tls-ciphersuites")) \
  X(kTlsClientCertFile, optional_string("tls-client-cert-file").always()) \
  X(kTlsClientKeyFile, optional_string("tls-client-key-file").always()) \
  X(kTlsClientKeyFilePass, optional_string("tls-client-key-file-pass")) \
  X(kTlsCluster, yes_no("tls-cluster", "no")) \
  X(kTlsDhParamsFile, optional_string("tls-dh-params-file").always()) \
  X(kTlsKeyFile, optional_string("tls-key-file").always()) \
  X(kTlsKeyFilePass, optional_string("tls-key-file-pass")) \
  X(kTlsPort, integer("tls-port", 0, 65535, "0")) \
  X(kTlsPreferServerCiphers, yes_no("tls-prefer-server-ciphers", "no")) \
  X(kTlsProtocols, optional_string("tls-protocols")) \
  X(kTlsReplication, yes_no("tls-replication", "no")) \
  X(kTlsSessionCacheSize, integer("tls-session-cache-size", 0, kIntMax, "20480")) \
  X(kTlsSessionCacheTimeout, integer("tls-session-cache-timeout", 0, kIntMax, "300")) \
  X(kTlsSessionCaching, yes_no("tls-session-caching", "yes")) \
  X(kTrackingTableMaxKeys, integer("tracking-table-max-keys", 0, kLongMax, "1000000")) \
  X(kUnixsocket, optional_string("unixsocket").fixed()) \
  X(kUnixsocketperm, octal("unixsocketperm", 0777, "0").fixed()) \
  X(kUseExitOnPanic, yes_no("use-exit-on-panic", "no").hide()) \
  X(kWatchdogPeriod, integer("watchdog-period", 0, kIntMax, "0").hide()) \
  X(kZsetMaxListpackEntries, integer("zset-max-listpack-entries", 0, kLongMax, "128").with_alias("zset-max-ziplist-entries")) \
  X(kZsetMaxListpackValue, memory("zset-max-listpack-value", 0, kLongMax, "64").with_alias("zset-max-ziplist-value"))
// clang-format on
