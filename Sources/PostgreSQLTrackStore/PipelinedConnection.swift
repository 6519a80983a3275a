import EventLoop

/// A connection that sends questions without waiting for earlier answers: one write a turn of the loop, one backend for
/// all requests. For its loop's thread only.
final class PipelinedConnection: TurnEndHandler {
    /// The outcome of a question.
    enum Outcome {
        case answered(PostgreSQLResult)
        /// Not run: another question's error ended its group.
        case aborted
    }

    private let connection: PostgreSQLConnection
    private let loop: EventLoop
    private let answer: (AccessQuestion, Outcome) -> Void
    private let lost: () -> Void
    private var queue = PipelineQueue<AccessQuestion>()
    private var source: IOSource?
    private var waitsForWriting = false
    private var waitsForTurnEnd = false

    /// - Parameters:
    ///   - connection: with the access query prepared, and no command under way.
    ///   - answer: called for each question once, unless the connection is lost before.
    ///   - lost: called once; `close` returns the unanswered questions.
    init(
        _ connection: PostgreSQLConnection, _ loop: EventLoop, answer: @escaping (AccessQuestion, Outcome) -> Void,
        lost: @escaping () -> Void
    ) throws(PostgreSQLError) {
        self.connection = connection
        self.loop = loop
        self.answer = answer
        self.lost = lost
        try connection.enterPipeline()
        source = loop.watch(connection.descriptor, .read) { [weak self] happened in self?.isReady(happened) }
    }

    /// For the questions from now on.
    func avoidStatementNames() { connection.prepared = [] }

    /// Sent and not answered, oldest first.
    var unanswered: [AccessQuestion] { queue.questions }
    var oldest: AccessQuestion? { queue.oldest }

    func send(_ question: AccessQuestion) {
        if question.isAlone, queue.unsynced > 0 { endGroup() }
        guard source != nil else { return answer(question, .aborted) }
        // Append it before sending, so that it is among the unanswered where sending fails.
        queue.append(question)
        question.usedStatementName = connection.sendsByName(question.user, question.part)
        guard connection.queue(question.user, question.track, question.part) else { return lost() }
        if question.isAlone { endGroup() }
        if !waitsForTurnEnd {
            waitsForTurnEnd = true
            loop.atTurnEnd(self)
        }
    }

    func turnEnds() {
        waitsForTurnEnd = false
        guard source != nil else { return }
        if queue.unsynced > 0 { endGroup() }
        flush()
    }

    /// Stops watching. The caller decides what happens to the server's side.
    /// - Returns: the connection and the questions without an answer.
    func close() -> (PostgreSQLConnection, [AccessQuestion]) {
        if let source { loop.unwatch(source) }
        source = nil
        return (connection, queue.removeAll())
    }

    private func endGroup() {
        guard connection.sync() else { return lost() }
        queue.appendSync()
    }

    private func flush() {
        guard let source else { return }
        guard let isDone = connection.flush() else { return lost() }
        guard isDone == waitsForWriting else { return }
        waitsForWriting = !isDone
        loop.change(source, to: isDone ? .read : [.read, .write])
    }

    private func isReady(_ happened: IOInterest) {
        if happened.contains(.write) { flush() }
        guard source != nil else { return }
        guard connection.consume() else { return lost() }
        do {
            while source != nil {
                switch try connection.nextEvent() {
                case .waiting:
                    // The server has closed the connection, or sends something that it was not asked for.
                    if happened.hasFailed { lost() }
                    return
                case .result(let result):
                    guard let question = queue.answered() else { return lost() }
                    answer(question, .answered(result))
                case .aborted:
                    guard let question = queue.answered() else { return lost() }
                    answer(question, .aborted)
                case .sync: guard queue.reachedSync() else { return lost() }
                }
            }
        } catch {
            lost()
        }
    }
}
