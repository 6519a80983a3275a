import Testing

@testable import PostgreSQLTrackStore

@Suite struct PipelineQueueTests {
    @Test func answersBelongToQuestionsInTheirOrder() {
        var queue = PipelineQueue<Int>()
        queue.append(1)
        queue.append(2)
        queue.appendSync()
        queue.append(3)
        queue.appendSync()
        #expect(queue.questions == [1, 2, 3] && queue.oldest == 1 && queue.unsynced == 0)
        #expect(queue.answered() == 1)
        #expect(queue.answered() == 2)
        #expect(queue.oldest == 3)
        #expect(queue.reachedSync() == true)
        #expect(queue.answered() == 3)
        #expect(queue.reachedSync() == true)
        #expect(queue.isEmpty && queue.oldest == nil)
    }

    @Test func answerWithoutAQuestionIsDetected() {
        var queue = PipelineQueue<Int>()
        #expect(queue.answered() == nil)
        #expect(queue.reachedSync() == false)
        queue.append(1)
        #expect(queue.reachedSync() == false)
        queue.appendSync()
        #expect(queue.answered() == 1)
        #expect(queue.answered() == nil)
        #expect(queue.reachedSync() == true)
    }

    @Test func questionsSinceTheLastSyncAreCounted() {
        var queue = PipelineQueue<Int>()
        #expect(queue.unsynced == 0)
        queue.append(1)
        queue.append(2)
        #expect(queue.unsynced == 2)
        queue.appendSync()
        #expect(queue.unsynced == 0)
    }

    @Test func removingAllReturnsUnansweredQuestions() {
        var queue = PipelineQueue<Int>()
        for number in 0..<5 { queue.append(number) }
        queue.appendSync()
        _ = queue.answered()
        #expect(queue.removeAll() == [1, 2, 3, 4])
        #expect(queue.isEmpty && queue.unsynced == 0)
    }

    @Test func longUseKeepsTheOrder() {
        var queue = PipelineQueue<Int>()
        var next = 0, expected = 0
        for _ in 0..<3000 {
            for _ in 0..<3 {
                queue.append(next)
                next += 1
            }
            queue.appendSync()
            while expected < next - 5 {
                if let question = queue.answered() {
                    #expect(question == expected)
                    expected += 1
                } else {
                    #expect(queue.reachedSync() == true)
                }
            }
        }
        #expect(queue.questions == Array(expected..<next))
    }
}
