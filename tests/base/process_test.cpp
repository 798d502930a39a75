#include "base/process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <stdexcept>

#include "base/error.h"

namespace cocola {
namespace {

// Handlers stay with a process, so each case has one of its own; its exit status answers.
int answer(bool yes) { return yes ? 10 : 11; }

// In a child of a death test. A test run in the background (nohup, a shell's "&") has SIGINT or
// SIGHUP ignored, and install_stop_signals would leave it so.
void install_as_in_the_foreground() {
  for (const int signal_number : {SIGINT, SIGHUP}) signal(signal_number, SIG_DFL);
  install_stop_signals();
}

TEST(StopSignals, AreRememberedAndDoNotEndTheProcess) {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
    EXPECT_EXIT(
        {
          install_as_in_the_foreground();
          const bool before = stop_requested();
          raise(signal_number);
          std::_Exit(answer(!before && stop_requested()));
        },
        ::testing::ExitedWithCode(answer(true)), "")
        << signal_number;
  }
}

TEST(StopSignals, ASecondInterruptEndsTheProcessAtOnce) {
  EXPECT_EXIT(
      {
        install_as_in_the_foreground();
        raise(SIGINT);
        raise(SIGINT);
      },
      ::testing::ExitedWithCode(kExitFailure), "");
}

TEST(StopSignals, WhatTheParentHasIgnoredStaysIgnored) {
  for (const int signal_number : {SIGINT, SIGHUP}) {
    EXPECT_EXIT(
        {
          signal(signal_number, SIG_IGN);
          install_stop_signals();
          raise(signal_number);
          std::_Exit(answer(stop_requested()));
        },
        ::testing::ExitedWithCode(answer(false)), "")
        << signal_number;
  }
}

TEST(RunProgram, PrintsOneLineForEachKindOfFailure) {
  const auto status_of = [](auto make) {
    return run_program("prog", [&]() -> int { throw make(); });
  };
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(status_of([] { return UsageError("key", "9 is outside [1, 2]"); }), kExitUsage);
  EXPECT_EQ(status_of([] { return Error("place", "a\nb"); }), kExitFailure);
  EXPECT_EQ(status_of([] { return std::runtime_error("a reason\nframe 0\nframe 1"); }),
            kExitFailure);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "error: prog: [key] 9 is outside [1, 2]\nerror: prog: [place] a?b\n"
            "error: prog: a reason\n");
}

}  // namespace
}  // namespace cocola
