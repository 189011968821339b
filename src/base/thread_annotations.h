#pragma once

// Clang thread-safety attributes (https://clang.llvm.org/docs/ThreadSafetyAnalysis.html); nothing on other compilers.
#if defined(__clang__)
#define HF_TSA(x) __attribute__((x))
#else
#define HF_TSA(x)
#endif

#define CAPABILITY(name) HF_TSA(capability(name))
#define SCOPED_CAPABILITY HF_TSA(scoped_lockable)
#define GUARDED_BY(x) HF_TSA(guarded_by(x))
#define PT_GUARDED_BY(x) HF_TSA(pt_guarded_by(x))
#define REQUIRES(...) HF_TSA(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) HF_TSA(acquire_capability(__VA_ARGS__))
#define RELEASE(...) HF_TSA(release_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) HF_TSA(try_acquire_capability(__VA_ARGS__))
#define EXCLUDES(...) HF_TSA(locks_excluded(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS HF_TSA(no_thread_safety_analysis)
