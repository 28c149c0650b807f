// Preloaded into each process that we start: one whose starter is gone (kill -9) stops itself as if asked to.
if (process.channel) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // The channel alone must not keep a process running that has finished.
  process.channel.unref();
}
