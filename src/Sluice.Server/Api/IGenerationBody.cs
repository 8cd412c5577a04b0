using Sluice.Engine;
using Sluice.Streams;

namespace Sluice.Server.Api;

/// <summary>The body of a request for a generation, in the shape of one dialect.</summary>
internal interface IGenerationBody
{
    /// <summary>The body as something to start, checked.</summary>
    /// <param name="engine">Who is to answer.</param>
    /// <param name="arrivedAt">When the request came, as the runner counts.</param>
    /// <param name="key">By which a retry is known; null where the client names none.</param>
    /// <param name="isStream">Whether it is a stream whatever the body says.</param>
    Outcome<GenerationAsk> ToAsk(IInferenceEngine engine, long arrivedAt, IdempotencyKey? key, bool isStream = false);
}
