#pragma once

namespace holdfast {

/// Asks the kernel to let the calling thread run as soon as it is woken, and not after whoever has the processor has used up
/// its slice of some milliseconds. For threads that work for microseconds, sleep, and hold others up meanwhile. The scheduler
/// of Linux 6.12 and later does so for threads that ask for a shorter slice, which needs no privilege; a thread gets no greater
/// share of the processor by it.
///
/// False: this kernel does not, or the thread is under another policy than the ordinary one, and everything stays as it was.
bool ask_for_prompt_running();

}  // namespace holdfast
