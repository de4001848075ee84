// A command in AssemblyScript: prints its arguments, then stdin in capitals.
// asc cli.ts --config node_modules/@assemblyscript/wasi-shim/asconfig.json -O3 -o cli.wasm
// (npm: assemblyscript 0.28.20, @assemblyscript/wasi-shim 0.1.0)

const buffer = new ArrayBuffer(4096);

for (let i = 1; i < process.argv.length; i++) {
  process.stdout.write(process.argv[i] + "\n");
}

let count = process.stdin.read(buffer);
while (count > 0) {
  process.stdout.write(String.UTF8.decode(buffer.slice(0, count)).toUpperCase());
  count = process.stdin.read(buffer);
}
