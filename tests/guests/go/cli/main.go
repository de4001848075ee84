// A command in Go, WASI 0.1: prints its arguments, the variable GREETING and
// the sha256 of stdin.
package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	fmt.Println("args:", strings.Join(os.Args[1:], " "))
	fmt.Println("greeting:", os.Getenv("GREETING"))
	hash := sha256.New()
	if _, err := io.Copy(hash, os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	fmt.Printf("sha256: %x\n", hash.Sum(nil))
}
