import Glibc
import Resilience
import TestSupport
import Testing

@testable import EventLoop

@Suite struct EventLoopTests {
    private let running = RunningLoop()

    @Test func everyPartOfATaskRunsOnTheLoopsThread() async {
        let places = await running.run { loop in
            let promise = Promise<Bool>()
            let first = loop.isCurrent
            _ = loop.schedule(at: .now.advanced(by: .milliseconds(1))) { promise.keep(loop.isCurrent) }
            let timer = await promise.value()
            return [first, timer, loop.isCurrent]
        }
        #expect(places == [true, true, true])
    }

    @Test func promiseFulfilledTwiceKeepsItsFirstValue() async {
        let values = await running.run { _ in
            let promise = Promise<Int>()
            let (first, second) = (promise.keep(1), promise.keep(2))
            return (first, second, await promise.value())
        }
        #expect(values == (true, false, 1))
    }

    @Test func actionsOfOtherThreadsAllRun() {
        let count = Locked(0), loop = running.loop
        _ = Threads(4) { for _ in 0..<5000 { loop.execute { count.withLock { $0 += 1 } } } }.results()
        #expect(eventually { count.withLock { $0 } == 20_000 })
    }

    @Test func timersRunInTheirOrderAndCancelledOnesDoNot() async {
        let order = await running.run { loop in
            let done = Promise<Void>(), order = Locked<[Int]>([]), start = ContinuousClock.now
            _ = loop.schedule(at: start.advanced(by: .milliseconds(20))) {
                order.withLock { $0.append(2) }
                done.keep(())
            }
            _ = loop.schedule(at: start.advanced(by: .milliseconds(5))) { order.withLock { $0.append(1) } }
            loop.cancel(loop.schedule(at: start.advanced(by: .milliseconds(10))) { order.withLock { $0.append(9) } })
            await done.value()
            return order.withLock { $0 }
        }
        #expect(order == [1, 2])
    }

    @Test func descriptorIsReportedUntilItIsNoLongerWatched() async {
        var pair: [Int32] = [0, 0]
        unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair)
        defer { pair.forEach { close($0) } }
        let (near, far) = (pair[0], pair[1])
        let bytes = await running.run { loop in
            let read = Promise<Int>()
            let source = loop.watch(near, .read) { _ in
                var buffer = [UInt8](repeating: 0, count: 16)
                read.keep(unsafe recv(near, &buffer, 16, Int32(MSG_DONTWAIT)))
            }
            _ = unsafe send(far, "abc", 3, 0)
            let count = await read.value()
            loop.unwatch(source)
            loop.unwatch(source)
            return count
        }
        #expect(bytes == 3)
        _ = unsafe send(far, "abc", 3, 0)
        let turns = running.loop.turns
        await running.run { _ in }
        #expect(running.loop.turns - turns < 20)
    }

    /// The kernel's batch may hold an event of a descriptor that was closed and opened again in the same turn.
    @Test func eventOfAnEarlierSourceDoesNotReachItsSuccessor() async {
        let reached = await running.run { loop in
            let reached = Locked(0), done = Promise<Void>()
            // Both are ready in one turn; the first that is handled replaces the other.
            let pipes = (0..<2).map { _ in
                var pair: [Int32] = [0, 0]
                unsafe pipe(&pair)
                _ = unsafe write(pair[1], "a", 1)
                return pair
            }
            var sources: [IOSource] = []
            for index in 0..<2 {
                sources.append(
                    loop.watch(pipes[index][0], .read) { _ in
                        let other = 1 - index
                        loop.unwatch(sources[index])
                        loop.unwatch(sources[other])
                        var byte: UInt8 = 0
                        _ = unsafe read(pipes[other][0], &byte, 1)
                        sources[other] = loop.watch(pipes[other][0], .read) { _ in reached.withLock { $0 += 1 } }
                        _ = loop.schedule(at: .now.advanced(by: .milliseconds(5))) { done.keep(()) }
                    })
            }
            await done.value()
            sources.forEach { loop.unwatch($0) }
            pipes.joined().forEach { close($0) }
            return reached.withLock { $0 }
        }
        #expect(reached == 0)
    }

    @Test func endOfTheTurnRunsAfterAllReadyTasks() async {
        final class Recorder: TurnEndHandler, Sendable {
            let order = Locked<[String]>([])
            func turnEnds() { order.withLock { $0.append("end") } }
        }
        let order = await running.run { loop in
            let recorder = Recorder(), first = Promise<Void>(), second = Promise<Void>()
            loop.task { @Sendable in
                await first.value()
                recorder.order.withLock { $0.append("task") }
                second.keep(())
            }
            loop.atTurnEnd(recorder)
            first.keep(())
            await second.value()
            recorder.order.withLock { $0.append("last") }
            let done = Promise<Void>()
            _ = loop.schedule(at: .now) { done.keep(()) }
            await done.value()
            return recorder.order.withLock { $0 }
        }
        #expect(order == ["task", "last", "end"])
    }

    @Test func turnThatTakesTooLongIsReported() async {
        let reported = Locked<[Duration]>([])
        let running = RunningLoop(slowTurnLimit: .milliseconds(20)) { duration in
            reported.withLock { $0.append(duration) }
        }
        await running.run { _ in _ = poll(nil, 0, 40) }
        #expect(eventually { reported.withLock { $0.contains { $0 >= .milliseconds(40) } } })
        #expect(running.loop.turnDuration == .zero || running.loop.turnDuration < .seconds(1))
    }
}
