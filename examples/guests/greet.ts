// Functions in AssemblyScript, for others to call.
export function greet(name: string): string {
  return "Hello, " + name + "!";
}

export function add(a: i32, b: i32): i32 {
  return a + b;
}
