using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;
using Sluice.Server.Protocols.Grpc.OpenInference.Wire;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Grpc.OpenInference;

/// <summary>A stream's events as responses to one request.</summary>
/// <param name="request">The request, whose id and way to carry contents the responses have.</param>
/// <param name="header">The stream.</param>
internal sealed class InferResponses(ModelInferRequest request, StreamHeader header)
{
    private const string Version = "1";

    private readonly bool _isRaw = request.RawInputContents.Count > 0;

    /// <summary>The response that an event is told by; null where it has nothing to tell. Not asked for failures.</summary>
    public ModelInferResponse? Of(in LoggedEvent entry)
    {
        if (entry.Event is StreamDelta { Text.Length: > 0 } delta)
        {
            var response = Text(delta.Text);
            Place(response, entry.Number);
            Set(response, "triton_final_response", new InferParameter { BoolParam = false });
            return response;
        }

        if (entry.Event is StreamFinished finished)
        {
            var response = Text("");
            Place(response, entry.Number);
            End(response, finished, entry.Before.LastEnd?.Finish);
            Set(response, "triton_final_response", new InferParameter { BoolParam = true });
            return response;
        }

        return null;
    }

    /// <summary>The whole answer.</summary>
    public ModelInferResponse Of(Answer answer)
    {
        var choice = answer.Choices[0];
        var response = Text(choice.Text);
        Set(response, "sluice_stream", new InferParameter { StringParam = header.Id.Value });
        End(response, answer.End!, choice.Finish);
        return response;
    }

    /// <summary>What a client that lost its call needs to go on elsewhere.</summary>
    private void Place(ModelInferResponse response, long number)
    {
        Set(response, "sluice_stream", new InferParameter { StringParam = header.Id.Value });
        Set(response, "sluice_event", new InferParameter { Int64Param = number });
    }

    private static void End(ModelInferResponse response, StreamFinished finished, FinishReason? reason)
    {
        Set(response, "finish_reason", new InferParameter { StringParam = reason == FinishReason.Length ? "length" : "stop" });
        Set(response, "prompt_tokens", new InferParameter { Int64Param = finished.Usage.PromptTokens });
        Set(response, "completion_tokens", new InferParameter { Int64Param = finished.Usage.CompletionTokens });
    }

    private static void Set(ModelInferResponse response, string name, InferParameter value) => response.Parameters[name] = value;

    private ModelInferResponse Text(string text)
    {
        var output = new ModelInferResponse.Types.InferOutputTensor { Name = InferRequests.TextOutput, Datatype = "BYTES", Shape = { 1 } };
        var response = new ModelInferResponse { ModelName = header.Model, ModelVersion = Version, Id = request.Id, Outputs = { output } };
        if (_isRaw)
        {
            var bytes = new byte[4 + Encoding.UTF8.GetByteCount(text)];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length - 4);
            Encoding.UTF8.GetBytes(text, bytes.AsSpan(4));
            response.RawOutputContents.Add(ByteString.CopyFrom(bytes));
        }
        else
        {
            output.Contents = new InferTensorContents { BytesContents = { ByteString.CopyFromUtf8(text) } };
        }

        return response;
    }
}
