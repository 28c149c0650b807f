/**
 * True when this Node can run Hoshi; otherwise says what to do and sets the exit code. Imports nothing and is written in
 * plain old JavaScript, so that an old Node gets as far as this message.
 */
export function isNodeSupported() {
  var parts = process.versions.node.split('.').map(Number);
  var major = parts[0];
  var minor = parts[1];
  if ((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22) return true;
  console.error(
    '\n  Hoshi needs Node 20.19 or newer (or 22.12 or newer); this is Node ' +
      process.versions.node +
      '.\n  Install a current one from https://nodejs.org, or with a version manager: nvm install 22 && nvm use 22\n',
  );
  process.exitCode = 1;
  return false;
}
