// A CGI program in Go: says what it was asked, and the sha256 of the body.
package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	fmt.Print("content-type: text/plain\nx-made-by: Go\n\n")
	fmt.Printf("hello from Go\n%s %s\n", os.Getenv("REQUEST_METHOD"), os.Getenv("PATH_INFO"))
	fmt.Printf("query: %s\nargs: %s\n", os.Getenv("QUERY_STRING"), strings.Join(os.Args[1:], " "))
	hash := sha256.New()
	if _, err := io.Copy(hash, os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	fmt.Printf("sha256: %x\n", hash.Sum(nil))
}
