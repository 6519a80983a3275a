/// The questions sent over a pipelined connection and not answered yet, in order, and the syncs that end each group of
/// them.
///
/// A question whose task has given up keeps its place, because its answer still arrives.
struct PipelineQueue<Question> {
    private enum Entry {
        case question(Question)
        case sync
    }

    private var entries: [Entry] = []
    private var first = 0
    /// Questions since the last sync.
    private(set) var unsynced = 0

    var isEmpty: Bool { first == entries.count }

    /// Unanswered questions, oldest first.
    var questions: [Question] {
        entries[first...].compactMap { if case .question(let question) = $0 { question } else { nil } }
    }

    var oldest: Question? {
        for entry in entries[first...] { if case .question(let question) = entry { return question } }
        return nil
    }

    mutating func append(_ question: Question) {
        entries.append(.question(question))
        unsynced += 1
    }

    mutating func appendSync() {
        entries.append(.sync)
        unsynced = 0
    }

    /// The question that a result, or a notice that it was aborted, belongs to; nil where the server sends more than it
    /// was asked for.
    mutating func answered() -> Question? {
        guard first < entries.count, case .question(let question) = entries[first] else { return nil }
        removeFirst()
        return question
    }

    /// False where no sync is due.
    mutating func reachedSync() -> Bool {
        guard first < entries.count, case .sync = entries[first] else { return false }
        removeFirst()
        return true
    }

    mutating func removeAll() -> [Question] {
        defer { self = PipelineQueue() }
        return questions
    }

    private mutating func removeFirst() {
        first += 1
        guard first == entries.count || first > 1024 else { return }
        entries.removeFirst(first)
        first = 0
    }
}
