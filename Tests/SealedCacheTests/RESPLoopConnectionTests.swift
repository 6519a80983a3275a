import EventLoop
import Glibc
import Resilience
import TestSupport
import Testing

@testable import SealedCache

/// A connection against a server that does what the test says.
@Suite struct RESPLoopConnectionTests {
    private let running = RunningLoop()
    private let server = SocketPair()
    private let ended = Locked<[String]>([])

    /// A connection on the loop's thread, and what `body` does with it there.
    private func connected(
        timeout: Duration = .seconds(60), limits: RESPLoopConnection.Limits = .init(), to server: SocketPair? = nil,
        _ body: @escaping @Sendable (Client) async -> Void
    ) async {
        let ended = ended, server = server ?? self.server
        await running.run { loop in
            let client = Client(
                loop: loop,
                connection: RESPLoopConnection(server.take(), on: loop, timeout: timeout, limits: limits) { error in
                    ended.withLock { $0.append(error.code) }
                })
            await body(client)
            client.connection.close()
        }
    }

    private struct Client: @unchecked Sendable {
        let loop: EventLoop
        let connection: RESPLoopConnection

        func ask(_ command: String = "PING", replies: Int = 1, within time: Duration = .seconds(60)) -> Promise<String>
        {
            let promise = Promise<String>()
            connection.send(Array(command.utf8), replies: replies, by: loop.now.advanced(by: time)) { result in
                switch result {
                case .success(let reply): promise.keep("\(reply)")
                case .failure(let error): promise.keep(error.code)
                }
            }
            return promise
        }

        /// After the end of the turn that is under way.
        func nextTurn() async {
            let promise = Promise<Void>()
            loop.execute { promise.keep(()) }
            await promise.value()
        }
    }

    @Test func commandsOfATurnLeaveWithOneWriteAtItsEnd() async {
        let packets = SocketPair(SOCK_SEQPACKET)
        await connected(to: packets) { client in
            let (first, second) = (client.ask("one "), client.ask("two "))
            #expect(packets.receive().isEmpty)
            await client.nextTurn()
            #expect(packets.receive() == "one two ")
            packets.send("+1\r\n+2\r\n")
            #expect(await [first.value(), second.value()] == ["status(\"1\")", "status(\"2\")"])
            #expect(packets.receive().isEmpty)
        }
    }

    @Test func unsentBytesLeaveWhenTheServerReads() async {
        let server = server
        await connected { client in
            let command = String(repeating: "x", count: 100_000)
            let answers = (0..<20).map { _ in client.ask(command) }
            var received = 0
            while received < 2_000_000 {
                await client.nextTurn()
                received += server.receive().utf8.count
            }
            #expect(received == 2_000_000)
            for _ in answers { server.send("+OK\r\n") }
            for answer in answers { #expect(await answer.value() == "status(\"OK\")") }
        }
        #expect(ended.withLock { $0 }.isEmpty)
    }

    @Test func silentServerEndsTheConnectionAndFailsEveryWaitingCommand() async {
        await connected(timeout: .milliseconds(30)) { client in
            let answers = (0..<3).map { _ in client.ask() }
            for answer in answers { #expect(await answer.value() == "timeout") }
            #expect(await client.ask().value() == "closed")
            #expect(client.connection.pendingGroups == 0)
        }
        #expect(ended.withLock { $0 } == ["timeout"])
        #expect(server.receive() == "PINGPINGPING")
    }

    @Test func tricklingServerEndsTheConnection() async {
        let server = server
        await connected(timeout: .milliseconds(50)) { client in
            let answer = client.ask()
            server.send("$1000000\r\n")
            while !answer.isKept {
                server.send("x")
                await client.nextTurn()
            }
            #expect(await answer.value() == "timeout")
        }
        #expect(ended.withLock { $0 } == ["timeout"])
    }

    @Test func replyInSingleBytesIsRead() async {
        let server = server
        await connected { client in
            let answer = client.ask()
            for scalar in "$5\r\nhello\r\n".unicodeScalars {
                #expect(!answer.isKept)
                server.send(String(scalar))
                await client.nextTurn()
            }
            #expect(await answer.value() == "\(RESPReply.bulk(Array("hello".utf8)))")
        }
    }

    @Test func commandPastItsOwnDeadlineFailsAloneAndItsReplyIsNotTakenForAnother() async {
        let server = server
        await connected { client in
            let (hasty, patient) = (client.ask(within: .milliseconds(5)), client.ask())
            #expect(await hasty.value() == "deadline")
            #expect(!patient.isKept)
            server.send("+hasty\r\n+patient\r\n")
            #expect(await patient.value() == "status(\"patient\")")
            #expect(await client.ask(within: .zero).value() == "deadline")
        }
        #expect(ended.withLock { $0 }.isEmpty)
    }

    @Test func serverThatClosesInTheMiddleOfAReplyIsLost() async {
        let server = server
        await connected { client in
            let (first, second, third) = (client.ask(), client.ask(), client.ask())
            server.send("+OK\r\n$10\r\nhalf")
            server.hangUp()
            #expect(await first.value() == "status(\"OK\")")
            #expect(await second.value() == "lost")
            #expect(await third.value() == "lost")
        }
        #expect(ended.withLock { $0 } == ["lost"])
    }

    @Test(arguments: ["HTTP/1.1 400 Bad Request\r\n", "*1000000000\r\n", "+OK\r\n+unasked\r\n", "\u{0}\u{1}\u{2}\r\n"])
    func garbageEndsTheConnection(_ text: String) async {
        let server = server
        await connected { client in
            let answer = client.ask()
            server.send(text)
            _ = await answer.value()
            #expect(await client.ask().value() == "closed")
        }
        #expect(ended.withLock { $0 } == ["protocol"])
        #expect(server.receive() == "PING" && server.isClosed)
    }

    @Test func errorReplyInTheMiddleOfAPipelineFailsItsOwnCommand() async {
        let server = server
        await connected { client in
            let answers = [client.ask(), client.ask(replies: 2), client.ask()]
            server.send("+1\r\n-WRONGTYPE Operation against CANARY\r\n+2\r\n+3\r\n")
            var texts: [String] = []
            for answer in answers { texts.append(await answer.value()) }
            #expect(texts == ["status(\"1\")", "refused", "status(\"3\")"])
        }
        #expect(ended.withLock { $0 }.isEmpty)
    }

    @Test func serverThatIsLoadingEndsTheConnection() async {
        let server = server
        await connected { client in
            let (first, second) = (client.ask(), client.ask())
            server.send("-LOADING Redis is loading the dataset in memory\r\n")
            #expect(await [first.value(), second.value()] == ["refused", "refused"])
            #expect(!client.connection.hasAnswered)
        }
        #expect(ended.withLock { $0 } == ["refused"])
    }

    @Test func replyAboveItsBoundEndsTheConnectionBeforeItIsComplete() async {
        let server = server
        let limits = RESPLoopConnection.Limits(replyBytes: 100_000)
        await connected(limits: limits) { client in
            let answer = client.ask()
            server.send("$1000000000\r\n")
            let part = String(repeating: "x", count: 10_000)
            var sent = 0
            while !answer.isKept, sent < 2_000_000 {
                if server.send(part) { sent += part.utf8.count }
                await client.nextTurn()
            }
            #expect(await answer.value() == "protocol")
            #expect(sent < 1_000_000)
        }
        #expect(ended.withLock { $0 } == ["protocol"])
    }

    @Test func tenThousandWaitingCommandsGetTheirReplies() async {
        let server = server
        await connected { client in
            let answers = (0..<10_000).map { _ in client.ask("x") }
            var received = 0
            while received < 10_000 {
                await client.nextTurn()
                received += server.receive().utf8.count
            }
            for thousand in 0..<10 {
                while !server.send((0..<1000).map { "+\(thousand * 1000 + $0)\r\n" }.joined()) {
                    await client.nextTurn()
                }
                await client.nextTurn()
            }
            for (number, answer) in answers.enumerated() { #expect(await answer.value() == "status(\"\(number)\")") }
        }
        #expect(ended.withLock { $0 }.isEmpty)
    }

    @Test func tenThousandWaitingCommandsFailWhenTheConnectionIsClosed() async {
        await connected { client in
            let answers = (0..<10_000).map { _ in client.ask() }
            client.connection.close()
            for answer in answers { #expect(await answer.value() == "closed") }
            #expect(client.connection.pendingGroups == 0)
        }
        #expect(ended.withLock { $0 }.isEmpty)
        #expect(server.receive().utf8.isEmpty && server.isClosed)
    }

    @Test func commandsBeyondTheLimitsFailAndTheOthersAreServed() async {
        let server = server
        await connected(limits: RESPLoopConnection.Limits(pendingGroups: 2, unsentBytes: 100)) { client in
            let (first, second, third) = (client.ask(), client.ask(), client.ask())
            #expect(await third.value() == "overloaded")
            server.send("+1\r\n+2\r\n")
            #expect(await [first.value(), second.value()] == ["status(\"1\")", "status(\"2\")"])
            #expect(await client.ask(String(repeating: "x", count: 101)).value() == "overloaded")
            let last = client.ask()
            server.send("+3\r\n")
            #expect(await last.value() == "status(\"3\")")
        }
    }
}
