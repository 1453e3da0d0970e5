// Checks the token in TOKEN over one connection to a Unix socket: check SOCKET COUNT. Prints the
// median and the 99th percentile in microseconds. The first tenth is a warm-up.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sort"
	"strconv"
	"time"
)

func main() {
	path := os.Args[1]
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}}
	for range make([]int, count/10) {
		check(&client)
	}
	times := make([]float64, count)
	for i := range times {
		startedAt := time.Now()
		check(&client)
		times[i] = float64(time.Since(startedAt).Nanoseconds()) / 1000
	}
	sort.Float64s(times)
	fmt.Println(times[count/2], times[count*99/100])
}

func check(client *http.Client) {
	request, err := http.NewRequest(http.MethodGet, "http://agent/", nil)
	if err != nil {
		panic(err)
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("TOKEN"))
	answer, err := client.Do(request)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		panic(err)
	}
	if answer.StatusCode != http.StatusOK {
		panic(answer.Status)
	}
}
