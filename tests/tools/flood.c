// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sends numbered UDP packets from one network namespace and reports which of them arrived where, once,
 * twice or never: for tests under traffic.
 *
 *   flood [from NETNS] to ADDRESS port PORT [rate PER_SECOND] [packets N] [seconds S] [size BYTES]
 *         at NETNS [port PORT] [at NETNS [port PORT]]... [-- COMMAND [ARGUMENT]...]
 *
 *   flood from red to 10.9.0.2 port 9000 rate 60000 at blue -- ./change-something-1000-times
 *
 * NETNS is a name as in `ip netns`, a path, or "-" for the namespace of flood. Packets flow before COMMAND
 * starts (in the namespace of flood) and until it has ended, and until N packets are sent and S seconds have
 * passed; without a rate as fast as possible. Printed on stdout as JSON: the number of packets sent, the
 * seconds and the CPU seconds of the sender; how many arrived once, twice (or more often) and never, and
 * the first that never arrived; foreign packets at these ports; and for each `at` the number of packets by
 * source, mark and tag, and the number that its full queue dropped (overflow: then a loss is not a loss of
 * the path).
 *
 * A packet's payload is a cookie of the run, its number, and a tag, which flood sends as 0 and a program on
 * the path may write (8 bytes, at offset 16 of the payload). Loss is a result, not a failure. The exit
 * status is 1 if flood could not send or receive, or COMMAND failed; 2 for wrong usage.
 *
 * Give the devices permanent neighbours: packets that wait for an address to be resolved get lost.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flood.h"

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("flood: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

int enter(const char *netns)
{
	char path[4096];
	int fd, err;

	if (!strcmp(netns, "-"))
		return 0;
	snprintf(path, sizeof(path), "%s%s", strchr(netns, '/') ? "" : "/run/netns/", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	err = fd < 0 || setns(fd, CLONE_NEWNET) ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return err;
}

/* ---- all of it ------------------------------------------------------------------------------------------------------
 */

static int run_command(char **command)
{
	int err, status;
	pid_t pid;

	err = posix_spawnp(&pid, command[0], NULL, NULL, command, environ);
	if (err) {
		complain("%s: %s", command[0], strerror(err));
		return -err;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (!status)
		return 0;
	complain("%s: failed (wait status 0x%x)", command[0], (unsigned int)status);
	return -ECHILD;
}

static int run(struct flood *flood)
{
	pthread_t sender, receiver;
	int err = -pthread_create(&receiver, NULL, receiving, flood);

	if (err)
		return err;
	atomic_store(&flood->enough, !flood->command);
	err = -pthread_create(&sender, NULL, sending, flood);
	if (err) {
		atomic_store(&flood->all_sent, true);
		pthread_join(receiver, NULL);
		return err;
	}
	sem_wait(&flood->started);
	if (flood->command && !atomic_load(&flood->all_sent))
		err = run_command(flood->command);
	atomic_store(&flood->enough, true);
	pthread_join(sender, NULL);
	pthread_join(receiver, NULL);
	if (flood->send_error)
		complain("sending from %s: %s", flood->from, strerror(-flood->send_error));
	if (flood->receive_error)
		complain("receiving: %s", strerror(-flood->receive_error));
	return err ?: flood->send_error ?: flood->receive_error;
}

static void print_source(const struct source *source)
{
	char text[INET6_ADDRSTRLEN];
	const struct in6_addr *address = &source->address.sin6_addr;

	if (IN6_IS_ADDR_V4MAPPED(address))
		inet_ntop(AF_INET, &address->s6_addr[12], text, sizeof(text));
	else
		inet_ntop(AF_INET6, address, text, sizeof(text));
	printf("{\"source\":\"%s\",\"port\":%u,\"mark\":%u,\"tag\":%llu,\"received\":%llu}", text,
	       ntohs(source->address.sin6_port), source->mark, (unsigned long long)source->tag,
	       (unsigned long long)source->received);
}

static void print_receiver(const struct receiver *receiver)
{
	printf("{\"netns\":\"%s\",\"port\":%u,\"received\":%llu,\"overflow\":%u,\"from\":[", receiver->netns,
	       receiver->port, (unsigned long long)receiver->received, receiver->overflow);
	for (size_t i = 0; i < receiver->nr_sources; i++) {
		if (i)
			putchar(',');
		print_source(&receiver->sources[i]);
	}
	fputs("]}", stdout);
}

static void print_report(const struct flood *flood)
{
	uint64_t sent = atomic_load(&flood->sent), of[3] = {}, first_never = sent;

	for (uint64_t number = sent; number-- > 0;) {
		of[flood->times[number]]++;
		if (!flood->times[number])
			first_never = number;
	}
	printf("{\"sent\":%llu,\"seconds\":%.3f,\"cpu\":%.3f,\"rate\":%.0f,", (unsigned long long)sent, flood->took,
	       flood->cpu, flood->took > 0 ? (double)sent / flood->took : 0);
	printf("\"once\":%llu,\"twice\":%llu,\"never\":%llu,\"first_never\":", (unsigned long long)of[1],
	       (unsigned long long)of[2], (unsigned long long)of[0]);
	if (of[0])
		printf("%llu", (unsigned long long)first_never);
	else
		fputs("null", stdout);
	printf(",\"strange\":%llu,\"at\":[", (unsigned long long)flood->strange);
	for (size_t i = 0; i < flood->nr_receivers; i++) {
		if (i)
			putchar(',');
		print_receiver(&flood->receivers[i]);
	}
	puts("]}");
}

/* ---- the command line -----------------------------------------------------------------------------------------------
 */

static int take_number(const char *word, double most, double *ret_value)
{
	char *end;
	double value = strtod(word, &end);

	if (*end || end == word || !(value >= 0) || value > most) {
		complain("'%s' is no number from 0 to %.0f", word, most);
		return -EINVAL;
	}
	*ret_value = value;
	return 0;
}

static int take_address(struct flood *flood, const char *word)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&flood->to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&flood->to;

	if (inet_pton(AF_INET, word, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		flood->to_size = sizeof(*v4);
	} else if (inet_pton(AF_INET6, word, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		flood->to_size = sizeof(*v6);
	} else {
		complain("'%s' is no address", word);
		return -EINVAL;
	}
	return 0;
}

static int take_receiver(struct flood *flood, const char *netns)
{
	if (flood->nr_receivers == MAX_RECEIVERS) {
		complain("more than %d times 'at'", MAX_RECEIVERS);
		return -EINVAL;
	}
	flood->receivers[flood->nr_receivers++] = (struct receiver){.netns = netns, .fd = -1};
	return 0;
}

/* After an `at` it belongs to that receiver. */
static int take_port(struct flood *flood, const char *word)
{
	double value = 0;
	int err = take_number(word, UINT16_MAX, &value);

	if (flood->nr_receivers)
		flood->receivers[flood->nr_receivers - 1].port = (uint16_t)value;
	else
		flood->port = (uint16_t)value;
	return err;
}

static int take_pair(struct flood *flood, const char *word, const char *value)
{
	double number = 0;
	int err;

	if (!strcmp(word, "from"))
		flood->from = value;
	else if (!strcmp(word, "to"))
		return take_address(flood, value);
	else if (!strcmp(word, "at"))
		return take_receiver(flood, value);
	else if (!strcmp(word, "port"))
		return take_port(flood, value);
	else if (!strcmp(word, "rate"))
		return take_number(value, 1e9, &flood->rate);
	else if (!strcmp(word, "seconds"))
		return take_number(value, 3600, &flood->seconds);
	else if (!strcmp(word, "packets")) {
		err = take_number(value, MAX_NUMBERS, &number);
		flood->packets = (uint64_t)number;
		return err;
	} else if (!strcmp(word, "size")) {
		err = take_number(value, MAX_SIZE, &number);
		flood->size = (size_t)number;
		return err;
	} else {
		complain("'%s' is no word of the command line", word);
		return -EINVAL;
	}
	return 0;
}

static int take_words(struct flood *flood, char **words)
{
	int err = 0;

	for (; !err && *words && strcmp(*words, "--") != 0; words += 2)
		err = words[1] ? take_pair(flood, words[0], words[1]) : -EINVAL;
	if (!err && *words)
		flood->command = words + 1;
	if (err || !flood->to_size || !flood->port || !flood->nr_receivers || flood->size < sizeof(struct payload))
		return -EINVAL;
	if (flood->command ? !flood->command[0] : !flood->packets && flood->seconds <= 0)
		return -EINVAL;
	for (size_t i = 0; i < flood->nr_receivers; i++)
		if (!flood->receivers[i].port)
			flood->receivers[i].port = flood->port;
	if (flood->to.ss_family == AF_INET)
		((struct sockaddr_in *)&flood->to)->sin_port = htons(flood->port);
	else
		((struct sockaddr_in6 *)&flood->to)->sin6_port = htons(flood->port);
	return 0;
}

static int prepare(struct flood *flood)
{
	if (getrandom(&flood->cookie, sizeof(flood->cookie), 0) != sizeof(flood->cookie))
		return -errno;
	return sem_init(&flood->started, 0, 0) ? -errno : open_receivers(flood);
}

int main(int argc, char **argv)
{
	static struct flood flood = {.from = "-", .size = 64};
	int err = take_words(&flood, argv + (argc > 0));

	if (err) {
		fputs("usage: flood [from NETNS] to ADDRESS port PORT [rate PER_SECOND] [packets N] [seconds S]\n"
		      "             [size BYTES] at NETNS [port PORT] [at NETNS [port PORT]]... [-- COMMAND...]\n",
		      stderr);
		return 2;
	}
	err = prepare(&flood);
	err = err ?: run(&flood);
	if (!err)
		print_report(&flood);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
